import type { Traded } from "../../api/types";
import { formatDecimal, type Language } from "../../format/decimal";
import type { Translate } from "../../i18n";
import type { ChartLine } from "./candles";

/** The account's prices on a symbol: entries, protection, waiting orders, and where it would be called and stopped out. */
export function chartLines(account: Pick<Traded, "positions" | "orders"> | undefined, symbol: string, t: Translate, language: Language): ChartLine[] {
  if (!account) return [];
  const lines: ChartLine[] = [];
  const lots = (value: string) => formatDecimal(value, language);
  let called = false;
  for (const position of account.positions) {
    if (position.symbol !== symbol) continue;
    const tone = position.side === "buy" ? "up" : "down";
    lines.push({ price: position.open_price, tone, dashed: false, title: t("chart.line.entry", { side: t(`side.${position.side}`), qty: lots(position.qty) }) });
    if (position.stop_loss) lines.push({ price: position.stop_loss, tone: "crit", dashed: true, title: t("chart.line.sl", { qty: lots(position.qty) }), drag: { position: position.id, kind: "stop_loss" } });
    if (position.take_profit) lines.push({ price: position.take_profit, tone: "ink-2", dashed: true, title: t("chart.line.tp", { qty: lots(position.qty) }), drag: { position: position.id, kind: "take_profit" } });
    if (called) continue;
    if (position.warning_at) lines.push({ price: position.warning_at, tone: "warn", dashed: true, title: t("chart.line.call") });
    if (position.stop_out_at) lines.push({ price: position.stop_out_at, tone: "crit", dashed: false, title: t("chart.line.stopout") });
    called = position.warning_at !== null;
  }
  for (const order of account.orders) {
    const price = order.price ?? order.stop;
    if (order.symbol !== symbol || !price) continue;
    lines.push({ price, tone: "ink-3", dashed: true, title: `${t(`side.${order.side}`)} ${t(`kind.${order.kind}`)} ${lots(order.qty)}` });
  }
  return lines;
}

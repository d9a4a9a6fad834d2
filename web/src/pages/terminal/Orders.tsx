import type { Order, Traded } from "../../api/types";
import { goTo } from "../../app/place";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatDecimal } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { explainReason } from "../../i18n/reasons";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { SideTag } from "./SideTag";

const ATTENTION = new Set<Order["state"]>(["queued", "in_doubt", "returned", "cancelling"]);

/** Orders that still may do something. */
export function Orders({ account }: { account: Pick<Traded, "id" | "orders"> }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { cancel } = useTrading(account.id);
  if (account.orders.length === 0) return <Empty icon="swap" title={t("orders.empty")} />;
  const price = (value: string | null) => formatDecimal(value, language);
  return (
    <table className="table w-full" data-testid="orders">
      <caption className="sr-only">{t("orders.title")}</caption>
      <thead>
        <tr>
          <th scope="col" className="!pl-3">{t("positions.symbol")}</th>
          <th scope="col">{t("orders.kind")}</th>
          <th scope="col" className="n">{t("orders.price")}</th>
          <th scope="col" className="n hidden wide:table-cell">{t("orders.filled")}</th>
          <th scope="col">{t("orders.state")}</th>
          <th scope="col" className="n hidden wide:table-cell">{t("orders.placed")}</th>
          <th scope="col"><span className="sr-only">{t("positions.actions")}</span></th>
        </tr>
      </thead>
      <tbody>
        {account.orders.map((order) => (
          <tr key={order.id} data-order={order.id} className="h-8 border-b border-line/60 hover:bg-hover">
            <td className="!pl-3">
              <span className="flex items-center gap-1.5">
                <button type="button" className="font-semibold hover:underline" onClick={() => goTo({ symbol: order.symbol })}>{order.symbol}</button>
                <SideTag side={order.side} qty={order.qty} />
              </span>
            </td>
            <td className="text-ink-2">{t(`kind.${order.kind}`)}</td>
            <td className="n">{order.kind === "stop_limit" ? `${price(order.stop)} → ${price(order.price)}` : price(order.price ?? order.stop)}</td>
            <td className="n hidden text-ink-2 wide:table-cell">{formatDecimal(order.filled, language)}</td>
            <td className={ATTENTION.has(order.state) ? "text-warn" : "text-ink-2"} title={order.reason ? explainReason(order.reason, language).title : undefined}>{t(`order.${order.state}`)}</td>
            <td className="n hidden text-xs text-ink-3 wide:table-cell">{formatMoment(order.placed, language)}</td>
            <td className="live n !pr-3">
              <Button size="sm" disabled={order.state === "cancelling"} aria-label={t("orders.cancelOf", { kind: t(`kind.${order.kind}`), symbol: order.symbol })} onClick={() => void cancel(order)}>
                {t("orders.cancel")}
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

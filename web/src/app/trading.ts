import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { newClientId } from "../api/client";
import type { CallStep, Order, Position } from "../api/types";
import { formatDecimal, type Language } from "../format/decimal";
import type { Translate } from "../i18n";
import { hasEnded, orderOutcomes } from "../live/outcomes";
import { explainReason } from "../i18n/reasons";
import { explainProblem } from "./explain";
import { useServices } from "./services";
import { useSettings, useTranslate } from "./settings";
import { toast } from "./toasts";

export { explainProblem };

/** Closing, protecting, cancelling, the steps after a margin call: each says on the page how it ended. */
export function useTrading(account: number | null) {
  const { api } = useServices();
  const cache = useQueryClient();
  const t = useTranslate();
  const { language } = useSettings();
  return useMemo(() => {
    const fail = (error: unknown) => {
      const { text, detail } = explainProblem(error, t, language);
      toast("bad", text, detail);
    };
    const attempt = async (work: () => Promise<void>): Promise<boolean> => {
      try {
        await work();
        return true;
      } catch (error) {
        fail(error);
        return false;
      }
    };
    return {
      fail,
      close: (position: Position, qty?: string) =>
        attempt(async () => {
          const id = newClientId();
          // Before it is sent: a paper broker fills before the answer is here.
          const ended = orderOutcomes.ended(id);
          const { order } = await api.closePosition(account!, position.id, id, qty);
          sayClosed(order, position, t, language);
          if (!hasEnded(order)) void ended.then((last) => last && sayClosed(last, position, t, language));
        }),
      protect: (position: Position, stopLoss: string | null, takeProfit: string | null) =>
        attempt(async () => {
          await api.protect(account!, position.id, stopLoss, takeProfit, position.trailing);
          toast("ok", t("positions.saved"));
        }),
      cancel: (order: Order) =>
        attempt(async () => {
          await api.cancelOrder(account!, order.id);
          toast("ok", t("orders.cancelled"));
        }),
      answerCall: (step: Exclude<CallStep, "none">) =>
        attempt(async () => {
          const steps = { acknowledge: api.acknowledgeRisk, confirm: api.confirmCall, logged_out: api.loggedIn };
          await steps[step](account!);
          await cache.invalidateQueries({ queryKey: ["account", account] });
        }),
    };
  }, [account, api, cache, language, t]);
}

function sayClosed(order: Order, position: Position, t: Translate, language: Language): void {
  const number = (value: string | null) => formatDecimal(value, language);
  if (order.state === "queued") toast("info", t("positions.closeQueued", { symbol: position.symbol }));
  else if (order.state === "filled") toast("ok", t("positions.closed", { qty: number(order.filled), symbol: position.symbol, price: number(order.avg_price) }));
  else if (hasEnded(order)) toast("bad", t("positions.closeFailed", { symbol: position.symbol, state: t(`order.${order.state}`) }), order.reason ? explainReason(order.reason, language).title : undefined);
  else toast("ok", t("positions.closeSent", { symbol: position.symbol }));
}

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, type AlertVerb } from "../../api/client";
import type { Alert } from "../../api/types";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { toast } from "../../app/toasts";
import { explainProblem } from "../../app/trading";
import { alertText } from "../../i18n/rules";
import { mergeAlert, needsNote } from "../../live/alerts";
import { Button } from "../../ui/Button";

/** Acts on the revision that was seen; a newer one is read again instead of being overwritten. */
export function useAlertAct(): (alert: Alert, verb: AlertVerb, note?: string) => Promise<boolean> {
  const { api } = useServices();
  const cache = useQueryClient();
  const t = useTranslate();
  const { language } = useSettings();
  return async (alert, verb, note) => {
    try {
      const changed = await api.alertAct(alert, verb, note);
      cache.setQueryData<Alert[]>(["alerts"], (known) => mergeAlert(known, changed));
      void cache.invalidateQueries({ queryKey: ["alert", alert.id] });
      return true;
    } catch (error) {
      if (error instanceof Problem && error.status === 412) toast("info", t("alerts.stale"));
      else {
        const { text, detail } = explainProblem(error, t, language);
        toast("bad", text, detail);
      }
      void cache.invalidateQueries({ queryKey: ["alerts"] });
      return false;
    }
  };
}

export function AckButton({ alert, onNeedsNote }: { alert: Alert; onNeedsNote: () => void }) {
  const t = useTranslate();
  const { language } = useSettings();
  const act = useAlertAct();
  const [busy, setBusy] = useState(false);
  return (
    <Button
      size="sm"
      className="relative z-10"
      disabled={busy}
      aria-label={t("alerts.ackOf", { title: alertText(alert, language).title })}
      onClick={() => {
        if (needsNote(alert)) return onNeedsNote();
        setBusy(true);
        void act(alert, "ack").finally(() => setBusy(false));
      }}
    >
      {t("alerts.ack")}
    </Button>
  );
}

import { useId, useState } from "react";
import { sayDone } from "../../app/done";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { toast } from "../../app/toasts";
import { explainProblem } from "../../app/trading";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";

/** Asks for the reason before a halt is lifted: everybody trades again, and the raised requirement ends. */
export function ResumeDialog({ symbol, onClose }: { symbol: string | null; onClose: () => void }) {
  const t = useTranslate();
  if (symbol === null) return null;
  return (
    <Dialog open onClose={onClose} label={t("halt.resumeOf", { symbol })} shape="palette">
      <ResumeForm symbol={symbol} onClose={onClose} />
    </Dialog>
  );
}

function ResumeForm({ symbol, onClose }: { symbol: string; onClose: () => void }) {
  const { api } = useServices();
  const t = useTranslate();
  const { language } = useSettings();
  const id = useId();
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const missing = note.trim() === "";
  const send = async () => {
    setBusy(true);
    try {
      const done = await api.setHalt(symbol, false, note.trim());
      sayDone(done, t("halt.resumed", { symbol }), t);
      onClose();
    } catch (error) {
      const { text, detail } = explainProblem(error, t, language);
      toast("bad", text, detail);
      setBusy(false);
    }
  };
  return (
    <form
      data-testid="resume-dialog"
      className="space-y-3 p-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing && !busy) void send();
      }}
    >
      <h2 className="text-md font-semibold">{t("halt.resumeOf", { symbol })}</h2>
      <p className="text-sm text-ink-2">{t("halt.resumeHelp")}</p>
      <div>
        <label htmlFor={id} className="label mb-1 block">{t("link.why")}</label>
        <input id={id} className="field" maxLength={500} data-first-focus data-testid="resume-note" value={note} onChange={(event) => setNote(event.target.value)} />
      </div>
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onClose}>{t("link.cancel")}</Button>
        <Button type="submit" tone="primary" data-testid="resume-do" disabled={missing || busy}>{t("halt.resume")}</Button>
      </div>
    </form>
  );
}

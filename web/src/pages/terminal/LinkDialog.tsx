import { useId, useState } from "react";
import type { DeskLink } from "../../api/types";
import { sayDone } from "../../app/done";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { toast } from "../../app/toasts";
import { explainProblem } from "../../app/trading";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";

/** What is wanted of a broker's link. */
export interface LinkWish {
  link: DeskLink;
  mode: "live" | "read_only";
}

/** Asks for the reason before a broker is taken out of service or given back: either moves what every client of it may do. */
export function LinkDialog({ wish, onClose }: { wish: LinkWish | null; onClose: () => void }) {
  const t = useTranslate();
  if (!wish) return null;
  const label = t(wish.mode === "read_only" ? "link.take" : "link.give", { name: wish.link.name });
  return (
    <Dialog open onClose={onClose} label={label} shape="palette">
      <LinkForm wish={wish} label={label} onClose={onClose} />
    </Dialog>
  );
}

function LinkForm({ wish, label, onClose }: { wish: LinkWish; label: string; onClose: () => void }) {
  const { api } = useServices();
  const t = useTranslate();
  const { language } = useSettings();
  const id = useId();
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const { link, mode } = wish;
  const missing = note.trim() === "";
  const send = async () => {
    setBusy(true);
    try {
      const done = await api.setLink(link.id, mode, note.trim());
      sayDone(done, t(mode === "read_only" ? "link.taken" : "link.given", { name: link.name }), t);
      onClose();
    } catch (error) {
      const { text, detail } = explainProblem(error, t, language);
      toast("bad", text, detail);
      setBusy(false);
    }
  };
  return (
    <form
      data-testid="link-dialog"
      className="space-y-3 p-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!missing && !busy) void send();
      }}
    >
      <h2 className="text-md font-semibold">{label}</h2>
      <p className="text-sm text-ink-2">{t(mode === "read_only" ? "link.takeHelp" : "link.giveHelp")}</p>
      <div>
        <label htmlFor={id} className="label mb-1 block">{t("link.why")}</label>
        <input id={id} className="field" maxLength={500} data-first-focus data-testid="link-note" value={note} onChange={(event) => setNote(event.target.value)} />
      </div>
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onClose}>{t("link.cancel")}</Button>
        <Button type="submit" tone={mode === "read_only" ? "danger" : "primary"} data-testid="link-do" disabled={missing || busy}>{t(mode === "read_only" ? "link.takeDo" : "link.giveDo")}</Button>
      </div>
    </form>
  );
}

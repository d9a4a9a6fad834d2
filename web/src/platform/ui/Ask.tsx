import { useState, type ReactNode } from "react";
import { useSettings } from "../../app/settings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { explainFault, type Told } from "../fault";
import { useSay } from "../i18n";
import { Fault } from "./Fault";
import { TextArea } from "./Field";

interface Props {
  title: string;
  help?: string;
  /** What the button says. */
  verb: string;
  /** What the text is, when one is asked for; left out = only yes or no. */
  reason?: string;
  /** It may stay empty. */
  optional?: boolean;
  danger?: boolean;
  children?: ReactNode;
  /** What else has to be filled in first. */
  blocked?: boolean;
  onDo: (reason: string) => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something is done, with its reason where one is kept. A refusal stays in the dialog, with what was typed. */
export function Ask({ title, help, verb, reason, optional = false, danger = false, children, blocked = false, onDo, onClose }: Props) {
  const say = useSay();
  const { language } = useSettings();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Told | null>(null);
  const missing = blocked || (reason !== undefined && !optional && text.trim() === "");
  const send = async () => {
    setBusy(true);
    setFault(null);
    try {
      await onDo(text.trim());
      onClose();
    } catch (error) {
      setFault(explainFault(error, language));
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} label={title} shape="palette">
      <form
        data-testid="ask"
        className="scroll max-h-[70dvh] space-y-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!missing && !busy) void send();
        }}
      >
        <h2 className="text-md font-semibold">{title}</h2>
        {help && <p className="text-sm text-ink-2">{help}</p>}
        {children}
        {reason !== undefined && <TextArea label={reason} maxLength={500} data-first-focus data-testid="ask-reason" value={text} onChange={(event) => setText(event.target.value)} />}
        {fault && <Fault told={fault} />}
        <div className="flex justify-end gap-2">
          <Button tone="quiet" onClick={onClose}>{say("cancel")}</Button>
          <Button type="submit" tone={danger ? "danger" : "primary"} data-testid="ask-do" disabled={missing || busy}>{verb}</Button>
        </div>
      </form>
    </Dialog>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "../../app/toasts";
import { records } from "../api/records";
import { useDoor } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { HOLD_CATEGORIES, readKey } from "./consents";

/** A legal hold of one person's rows, or of everybody's: nothing of it is ended until it is lifted. */
export function PlaceHold({ subject, onClose }: { subject?: string; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const [category, setCategory] = useState<string>("all");
  const [typed, setTyped] = useState("");
  const [everybody, setEverybody] = useState(false);
  const key = subject ?? readKey(typed);
  const wrong = subject === undefined && !everybody && typed.trim() !== "" && key === null;
  return (
    <Ask
      title={say("hold.new")}
      help={say("hold.new.help")}
      reason={say("reason")}
      verb={say("hold.do")}
      blocked={key === null && !everybody}
      onDo={async (reason) => {
        await records.hold(door, { category, reason, ...(key !== null && !everybody ? { subject: key } : {}) });
        await cache.invalidateQueries({ queryKey: ["holds"] });
        toast("ok", say("hold.placed"));
      }}
      onClose={onClose}
    >
      <SelectField label={say("hold.category")} data-testid="hold-category" value={category} onChange={(event) => setCategory(event.target.value)}>
        {HOLD_CATEGORIES.map((one) => <option key={one} value={one}>{word(say, "holdCategory", one)}</option>)}
      </SelectField>
      {subject === undefined && (
        <>
          <TextField label={say("hold.subject")} help={say("hold.subject.help")} wrong={wrong ? say("hold.subject.wrong") : null} data-testid="hold-subject" disabled={everybody} value={typed} onChange={(event) => setTyped(event.target.value)} />
          <label className="flex items-center gap-2 text-sm">
            <input type="checkbox" className="size-4" data-testid="hold-everybody" checked={everybody} onChange={(event) => setEverybody(event.target.checked)} />
            {say("hold.everybody.do")}
          </label>
        </>
      )}
    </Ask>
  );
}

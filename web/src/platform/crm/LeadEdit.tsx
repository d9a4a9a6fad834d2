import { useState } from "react";
import { useSettings } from "../../app/settings";
import { crm, type Lead } from "../api/crm";
import { useDoor } from "../context";
import { wrongField } from "../fault";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { Checks } from "../ui/Checks";
import { TextField } from "../ui/Field";
import { changeOf, draftOf, emptied, TEXTS, unreachable, type TextName } from "./draft";
import { INTERESTS } from "./hand";
import { nameOf } from "./LeadCard";
import { useTookLead } from "./useLead";

const TYPES: Record<TextName, { type: string; most: number }> = { name: { type: "text", most: 254 }, phone: { type: "tel", most: 40 }, email: { type: "email", most: 254 }, city: { type: "text", most: 254 } };

/** Changes a lead's own data. What is sent is what was changed, against the revision that was seen when the form opened. */
export function LeadEdit({ lead, onClose }: { lead: Lead; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const took = useTookLead();
  const { language } = useSettings();
  const [before] = useState(lead);
  const [draft, setDraft] = useState(() => draftOf(lead));
  const [refused, setRefused] = useState<unknown>(null);
  const known = draftOf(before);
  const gone = emptied(known, draft);
  const lacks = unreachable(known, draft);
  const help = (name: TextName) => {
    if (gone.includes(name)) return say("lead.edit.emptied");
    return (name === "phone" || name === "email") && known[name] !== "" && draft[name].trim() !== known[name] ? say("lead.edit.contact.help") : undefined;
  };
  const change = changeOf(known, draft, before.revision);
  return (
    <Ask
      title={say("lead.edit.title", { name: nameOf(before) })}
      verb={say("lead.edit.save")}
      blocked={change === null || lacks.length > 0}
      onDo={async () => {
        setRefused(null);
        try {
          took(await crm.change(door, before.id, change!));
        } catch (error) {
          setRefused(error);
          throw error;
        }
      }}
      onClose={onClose}
    >
      {TEXTS.map((name, at) => (
        <TextField
          key={name}
          label={say(`lead.${name}`)}
          type={TYPES[name].type}
          maxLength={TYPES[name].most}
          data-testid={`edit-${name}`}
          {...(at === 0 ? { "data-first-focus": true } : {})}
          value={draft[name]}
          help={help(name)}
          wrong={lacks.includes(name) ? say("lead.edit.kept") : wrongField(refused, name, language)}
          onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
        />
      ))}
      <Checks legend={say("lead.interests")} options={INTERESTS.map((value) => ({ value, text: word(say, "interest", value) }))} chosen={draft.interests} onChange={(interests) => setDraft({ ...draft, interests })} />
    </Ask>
  );
}

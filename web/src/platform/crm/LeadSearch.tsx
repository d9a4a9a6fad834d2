import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useId, useState } from "react";
import { open, pathOf } from "../../app/route";
import { crm } from "../api/crm";
import { useDoor } from "../context";
import { useSay, word } from "../i18n";
import { nameOf } from "./LeadCard";

/** Fewer letters find everybody. */
const LETTERS_MIN = 2;

/** Finds a lead by name, number or address, misspelled ones too. */
export function LeadSearch() {
  const say = useSay();
  const door = useDoor();
  const id = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const asked = useDeferredValue(text.trim());
  const found = useQuery({ queryKey: ["crm", "search", asked], queryFn: ({ signal }) => crm.search(door, asked, signal), enabled: asked.length >= LETTERS_MIN, staleTime: 5_000 });
  const leads = asked.length >= LETTERS_MIN ? (found.data?.items ?? []) : [];
  const go = (lead: string) => (setText(""), open(pathOf("lead", lead)));
  const shown = text.trim().length >= LETTERS_MIN && found.data !== undefined;
  const chosen = Math.min(at, leads.length - 1);
  return (
    <div className="relative w-44 wide:w-56">
      <input
        role="combobox"
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-activedescendant={shown && leads.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label={say("lead.search")}
        placeholder={say("lead.search")}
        type="search"
        className="field h-10 wide:h-8"
        value={text}
        onChange={(event) => (setText(event.target.value), setAt(0))}
        onKeyDown={(event) => {
          const lead = leads[chosen];
          if (event.key === "ArrowDown") (event.preventDefault(), setAt(Math.min(leads.length - 1, chosen + 1)));
          if (event.key === "ArrowUp") (event.preventDefault(), setAt(Math.max(0, chosen - 1)));
          if (event.key === "Enter" && lead) (event.preventDefault(), go(lead.id));
          if (event.key === "Escape") setText("");
        }}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={say("lead.search")} className={`absolute inset-x-0 top-full z-30 mt-1 rounded-md border border-edge bg-raised p-1 shadow-[var(--shadow)] ${shown ? "" : "hidden"}`}>
        {leads.length === 0 && <li role="option" aria-selected={false} className="p-2 text-xs text-ink-3">{say("lead.search.none")}</li>}
        {leads.map((lead, index) => (
          <li key={lead.id} id={`${id}-${index}`} role="option" aria-selected={index === chosen} onPointerDown={(event) => (event.preventDefault(), go(lead.id))} className={`cursor-pointer rounded px-2 py-1 text-sm ${index === chosen ? "bg-hover" : ""}`}>
            {nameOf(lead)}
            <span className="block text-xs text-ink-3">{word(say, "stage", lead.stage)}{lead.city ? ` · ${lead.city}` : ""}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

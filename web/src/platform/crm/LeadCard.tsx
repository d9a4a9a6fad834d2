import type { KeyboardEvent, PointerEvent } from "react";
import type { Lead } from "../api/crm";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { Icon } from "../../ui/Icon";
import { useSay, word } from "../i18n";
import { Link } from "../ui/Link";
import { Tag } from "../ui/Tag";

interface Props {
  lead: Lead;
  carried: boolean;
  movable: boolean;
  help: string;
  /** Whose it is. */
  owner: string;
  /** While several are chosen; `null` otherwise. */
  choice: { chosen: boolean; full: boolean; onChoose: (on: boolean) => void } | null;
  onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  onBlur: () => void;
}

/** What a lead is called; one without a name is called by what is known of it. */
export const nameOf = (lead: Pick<Lead, "name" | "phone" | "email" | "id">): string => lead.name ?? lead.phone ?? lead.email ?? lead.id.slice(0, 8);

export function LeadCard({ lead, carried, movable, help, owner, choice, onPointerDown, onKeyDown, onBlur }: Props) {
  const say = useSay();
  const { language } = useSettings();
  const name = nameOf(lead);
  return (
    <li data-lead={lead.id} data-stage={lead.stage} onPointerDown={movable ? onPointerDown : undefined} className={`relative rounded-md border bg-panel p-2 text-sm select-none ${carried ? "border-focus opacity-60" : choice?.chosen ? "border-focus" : "border-line hover:border-edge"} ${movable ? "cursor-grab" : ""}`}>
      <div className="flex items-start gap-1">
        {choice && (
          <label className="-my-1 -ml-1 grid size-8 shrink-0 place-items-center wide:size-6">
            <input type="checkbox" data-testid="choose" aria-label={say("bulk.choose", { name })} className="size-4" checked={choice.chosen} disabled={choice.full && !choice.chosen} onChange={(event) => choice.onChoose(event.target.checked)} />
          </label>
        )}
        <Link to={pathOf("lead", lead.id)} draggable={false} className="min-w-0 flex-1 font-semibold break-words hover:underline">{name}</Link>
        {movable && (
          <button type="button" data-handle aria-label={say("board.handle", { name })} aria-describedby={help} aria-pressed={carried} onKeyDown={onKeyDown} onBlur={onBlur} className="-my-1 -mr-1 grid size-8 shrink-0 cursor-grab touch-none place-items-center rounded text-ink-3 hover:bg-hover hover:text-ink wide:size-6">
            <Icon name="grip" size={14} />
          </button>
        )}
      </div>
      <p className="text-xs break-words text-ink-3">{[lead.city, lead.source, owner].filter(Boolean).join(" · ")}</p>
      <p className="mt-1 flex flex-wrap items-center gap-1">
        <span className="text-xs font-semibold" title={say("lead.score")}>{formatDecimal(String(lead.score), language)}</span>
        {lead.band !== "none" && <Tag tone={lead.band === "sql" ? "lead" : "plain"}>{word(say, "band", lead.band)}</Tag>}
        {lead.hot && <Tag tone="warn">{say("lead.hot")}</Tag>}
        {lead.overdue && <Tag tone="crit">{say("lead.overdue")}</Tag>}
        {lead.column === "verified" && <Tag>{word(say, "stage", lead.stage)}</Tag>}
        {!lead.overdue && lead.due_at !== null && <span className="ml-auto text-2xs text-ink-3">{formatMoment(lead.due_at, language)}</span>}
      </p>
    </li>
  );
}

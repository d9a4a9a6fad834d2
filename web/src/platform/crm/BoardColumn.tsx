import { useState, type ReactNode } from "react";
import type { Column, ColumnId, Lead, LeadMove } from "../api/crm";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { useAct } from "../act";
import { useSay, word } from "../i18n";
import { More } from "../ui/More";
import { excess, moveTo } from "./columns";

/** A card on its way. */
export interface Carried {
  lead: Lead;
  over: ColumnId | null;
  by: "keys" | "pointer";
  /** Where it may go; not known at once. */
  moves: LeadMove[] | null;
}

/** A column with the server's totals, its cards, and the way to more of them. */
export function BoardColumn({ column, carried, onMore, children }: { column: Column; carried: Carried | null; onMore: () => Promise<void>; children: (lead: Lead) => ReactNode }) {
  const say = useSay();
  const act = useAct();
  const { language } = useSettings();
  const [busy, setBusy] = useState(false);
  const number = (value: number) => formatDecimal(String(value), language);
  const name = say(`column.${column.column}`);
  const home = carried?.lead.column === column.column;
  const open = carried !== null && !home && carried.moves !== null && moveTo(column.column, carried.moves) !== undefined;
  const many = excess(column);
  const over = carried?.over === column.column && !home;
  return (
    <section data-column={column.column} data-total={column.total} data-open={open || undefined} data-excess={many ?? undefined} aria-label={name} className={`flex min-h-0 w-[min(78vw,17rem)] shrink-0 snap-start flex-col rounded-lg border bg-bg wide:w-auto wide:min-w-40 wide:flex-1 wide:basis-0 ${over ? "border-focus bg-hover" : open ? "border-ink-3 border-dashed" : "border-line"}`}>
      <header className="shrink-0 border-b border-line px-2 py-1.5">
        <h2 className="flex items-baseline gap-2 text-sm font-semibold">
          {name}
          <span className="ml-auto text-xs text-ink-2" data-part="total">{number(column.total)}</span>
        </h2>
        <p className="flex flex-wrap gap-x-2 text-2xs text-ink-3">
          {column.limit !== null && <span data-part="limit" className={many === null ? "" : "text-warn"}>{many === null ? say("column.limit", { limit: number(column.limit) }) : say("column.excess", { limit: number(column.limit), n: number(many) })}</span>}
          {column.overdue > 0 && <span className="text-crit">{say("column.overdue", { n: number(column.overdue) })}</span>}
          {column.hot > 0 && <span className="text-warn">{say("column.hot", { n: number(column.hot) })}</span>}
          {column.stages.length > 1 && column.stages.map(({ stage, total }) => <span key={stage}>{word(say, "stage", stage)} {number(total)}</span>)}
        </p>
      </header>
      <ul className="scroll min-h-0 flex-1 space-y-1.5 p-1.5">
        {column.cards.length === 0 && <li className="p-2 text-xs text-ink-3">{say("column.empty")}</li>}
        {column.cards.map(children)}
        <li className="empty:hidden">
          <More shown={column.cards.length} total={column.total} more={column.next !== null} busy={busy} onMore={() => (setBusy(true), void act(onMore).finally(() => setBusy(false)))} />
        </li>
      </ul>
    </section>
  );
}

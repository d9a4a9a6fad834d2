import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { crm, type ColumnId, type Lead, type LeadMove } from "../api/crm";
import { toast } from "../../app/toasts";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { useDoor, useHere, useMay } from "../context";
import { useSay } from "../i18n";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { Page, Trouble, Wait } from "../ui/Page";
import { BoardColumn, type Carried } from "./BoardColumn";
import { BoardLimits } from "./BoardLimits";
import { Bulk } from "./Bulk";
import { CHOSEN_MAX } from "./bulk";
import { useCarry } from "./carry";
import { columnOf, COLUMNS, moveTo, nextColumn } from "./columns";
import { distributes } from "./hand";
import { LeadCard, nameOf } from "./LeadCard";
import { LeadSearch } from "./LeadSearch";
import { useBoard } from "./useBoard";

/** Leads by the column they stand in. A card is carried with the mouse, a finger on its handle, or the keyboard. */
export default function BoardPage() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const people = usePeople();
  const { me } = useHere();
  const movable = useMay("lead.move");
  const configures = useMay("crm.configure");
  const board = useBoard();
  const help = useId();
  const [carried, setCarried] = useState<Carried | null>(null);
  const [asking, setAsking] = useState<{ lead: Lead; move: LeadMove } | null>(null);
  const [limiting, setLimiting] = useState(false);
  const [said, setSaid] = useState("");
  // Several at once: `null` while nobody chooses.
  const [picked, setPicked] = useState<readonly string[] | null>(null);
  const focusNext = useRef<{ id: string; column: ColumnId } | null>(null);
  const columnName = (column: ColumnId) => say(`column.${column}`);

  const take = (lead: Lead, by: Carried["by"]) => {
    setCarried({ lead, over: lead.column, by, moves: null });
    setSaid(say("board.taken", { name: nameOf(lead), column: columnName(lead.column) }));
    crm.moves(door, lead.id).then(
      ({ items }) => setCarried((now) => (now?.lead.id === lead.id ? { ...now, moves: items } : now)),
      // The answer to the move itself says what is wrong.
      () => undefined,
    );
  };
  const cancel = () => {
    if (carried) setSaid(say("board.cancelled", { name: nameOf(carried.lead) }));
    setCarried(null);
  };
  const drop = async (to: ColumnId | null) => {
    if (!carried) return;
    const { lead, by } = carried;
    if (to === null || to === lead.column) return cancel();
    setCarried(null);
    // Moved by keys, the card keeps the keyboard where it comes to stand.
    const follow = (column: ColumnId | null) => {
      if (by === "keys") focusNext.current = column && { id: lead.id, column };
    };
    const done = await act(async () => {
      const moves = carried.moves ?? (await crm.moves(door, lead.id)).items;
      const move = moveTo(to, moves);
      if (!move) {
        const open = COLUMNS.filter((column) => column !== lead.column && moveTo(column, moves)).map(columnName);
        toast("bad", say("board.notThere", { name: nameOf(lead), column: columnName(to) }), open.length > 0 ? say("board.where", { columns: open.join(", ") }) : say("board.nowhere"));
      } else if (move.needs_reason) setAsking({ lead, move });
      else {
        follow(to);
        await board.move(lead, move.stage, "");
        setSaid(say("board.moved", { name: nameOf(lead), column: columnName(to) }));
      }
    });
    if (!done) follow(lead.column);
  };
  const { ghost, onPointerDown } = useCarry({
    onStart: (lead) => take(lead, "pointer"),
    onOver: (over) => setCarried((now) => (now && now.over !== over ? { ...now, over } : now)),
    onDrop: (to) => void drop(to),
    onCancel: cancel,
  });
  const onKey = (event: KeyboardEvent<HTMLElement>, lead: Lead) => {
    const mine = carried?.lead.id === lead.id ? carried : null;
    const pressed = event.key === "Enter" || event.key === " ";
    if (!mine && pressed) (event.preventDefault(), take(lead, "keys"));
    if (!mine) return;
    if (pressed) (event.preventDefault(), void drop(mine.over));
    if (event.key === "Escape") (event.preventDefault(), cancel());
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : null;
    if (by === null) return;
    event.preventDefault();
    if (!mine.moves) return;
    const over = nextColumn(mine.over ?? lead.column, by, lead.column, mine.moves);
    setCarried({ ...mine, over });
    setSaid(say("board.over", { column: columnName(over) }));
  };

  useEffect(() => {
    const next = focusNext.current;
    const handle = next && document.querySelector<HTMLElement>(`[data-column="${next.column}"] [data-lead="${CSS.escape(next.id)}"] [data-handle]`);
    if (!handle || asking) return;
    handle.focus();
    handle.scrollIntoView({ block: "nearest", inline: "nearest" });
    focusNext.current = null;
  });

  const { data, error, refetch } = board.query;
  const chosen = picked === null || !data ? [] : data.columns.flatMap((column) => column.cards).filter((lead) => picked.includes(lead.id));
  const choose = (id: string, on: boolean) => setPicked((now) => [...(now ?? []).filter((one) => one !== id), ...(on ? [id] : [])]);
  return (
    <Page title={say("board.title")} wide aside={<><LeadSearch />{(movable || distributes(me)) && <Button className="h-10 wide:h-8" data-testid="bulk-begin" aria-pressed={picked !== null} onClick={() => setPicked(picked === null ? [] : null)}>{say(picked === null ? "bulk.begin" : "bulk.end")}</Button>}{configures && data && <Button className="h-10 wide:h-8" data-testid="board-limits" onClick={() => setLimiting(true)}>{say("board.limits")}</Button>}{board.extended && <Button size="sm" onClick={() => void board.reread()}>{say("reread")}</Button>}</>}>
      <p id={help} className="sr-only">{say("board.help")}</p>
      <p role="status" aria-live="assertive" className="sr-only" data-testid="board-said">{said}</p>
      {picked !== null && <Bulk chosen={chosen} onDid={board.did} onChosen={setPicked} onEnd={board.settle} />}
      {error && <div className="px-3 wide:px-5"><Trouble error={error} onRetry={() => void refetch()} /></div>}
      {!data && !error && <div className="p-5"><Wait lines={6} /></div>}
      {data && (
        <div className="scroll flex min-h-0 flex-1 snap-x gap-2 px-3 pt-2 pb-3 wide:px-5" data-testid="board" tabIndex={0} role="region" aria-label={say("board.title")}>
          {data.columns.map((column) => (
            <BoardColumn key={column.column} column={column} carried={carried} onMore={() => board.more(column.column, column.next)}>
              {(lead) => (
                <LeadCard
                  key={lead.id}
                  lead={lead}
                  carried={carried?.lead.id === lead.id}
                  movable={movable}
                  owner={lead.assigned_to === null ? say("lead.pool") : people(lead.assigned_to)}
                  choice={picked === null ? null : { chosen: picked.includes(lead.id), full: picked.length >= CHOSEN_MAX, onChoose: (on) => choose(lead.id, on) }}
                  help={help}
                  onPointerDown={(event) => onPointerDown(event, lead)}
                  onKeyDown={(event) => onKey(event, lead)}
                  onBlur={() => carried?.by === "keys" && carried.lead.id === lead.id && cancel()}
                />
              )}
            </BoardColumn>
          ))}
        </div>
      )}
      <div ref={ghost} aria-hidden className={`pointer-events-none fixed top-0 left-0 z-50 rounded-md border border-focus bg-raised px-2 py-1 text-sm font-semibold shadow-[var(--shadow)] ${carried?.by === "pointer" ? "" : "hidden"}`}>
        {carried && nameOf(carried.lead)}
      </div>
      {limiting && data && <BoardLimits columns={data.columns} onDone={board.reread} onClose={() => setLimiting(false)} />}
      {asking && (
        <Ask
          title={say("board.ask", { name: nameOf(asking.lead), column: columnName(columnOf(asking.move.stage)) })}
          help={say("board.ask.help")}
          reason={say("reason")}
          verb={say("board.move")}
          onDo={(reason) => {
            focusNext.current = { id: asking.lead.id, column: columnOf(asking.move.stage) };
            return board.move(asking.lead, asking.move.stage, reason);
          }}
          onClose={() => setAsking(null)}
        />
      )}
    </Page>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../../ui/Button";
import { crm, type Lead, type LeadMove, type Stage } from "../api/crm";
import { useDoor, useHere, useMay } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { SelectField } from "../ui/Field";
import { Trouble } from "../ui/Page";
import { AssignDialog } from "./AssignDialog";
import { distributes } from "./hand";
import { nameOf } from "./LeadCard";
import { partKey, useTookLead } from "./useLead";

/** Moving, giving, closing and opening again; each asks first, and a move back asks why. */
export function LeadDoings({ lead }: { lead: Lead }) {
  const say = useSay();
  const door = useDoor();
  const took = useTookLead();
  const { me } = useHere();
  const movable = useMay("lead.move");
  const [wish, setWish] = useState<"move" | "give" | "close" | "reopen" | null>(null);
  const end = () => setWish(null);
  return (
    <>
      {movable && lead.status === "open" && <Button data-testid="lead-move" onClick={() => setWish("move")}>{say("board.move")}</Button>}
      {distributes(me) && lead.status === "open" && <Button data-testid="lead-assign" onClick={() => setWish("give")}>{say("assign")}</Button>}
      {movable && lead.status === "open" && <Button tone="quiet" onClick={() => setWish("close")}>{say("lead.close")}</Button>}
      {movable && lead.status === "lost" && <Button onClick={() => setWish("reopen")}>{say("lead.reopen")}</Button>}
      {wish === "move" && <MoveDialog lead={lead} onMoved={took} onClose={end} />}
      {wish === "give" && <AssignDialog lead={lead} onGiven={took} onClose={end} />}
      {wish === "close" && <Ask title={say("lead.close.title", { name: nameOf(lead) })} reason={say("reason")} verb={say("lead.close")} danger onDo={async (reason) => took(await crm.close(door, lead, reason))} onClose={end} />}
      {wish === "reopen" && <Ask title={say("lead.reopen.title", { name: nameOf(lead) })} reason={say("reason")} verb={say("lead.reopen")} onDo={async (reason) => took(await crm.reopen(door, lead, reason))} onClose={end} />}
    </>
  );
}

function MoveDialog({ lead, onMoved, onClose }: { lead: Lead; onMoved: (lead: Lead) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const moves = useQuery({ queryKey: [...partKey(lead.id, "moves"), lead.revision], queryFn: () => crm.moves(door, lead.id), retry: false });
  const byHand = (moves.data?.items ?? []).filter((move) => move.by_hand);
  const [stage, setStage] = useState<Stage | "">("");
  const chosen: LeadMove | undefined = byHand.find((move) => move.stage === stage);
  return (
    <Ask
      title={say("lead.move.title", { name: nameOf(lead) })}
      help={chosen?.needs_reason ? say("board.ask.help") : undefined}
      reason={say("reason")}
      optional={!chosen?.needs_reason}
      blocked={!chosen}
      verb={say("board.move")}
      onDo={async (reason) => onMoved(await crm.move(door, lead, stage as Stage, reason))}
      onClose={onClose}
    >
      {moves.error && <Trouble error={moves.error} />}
      {moves.data && byHand.length === 0 && <p className="text-sm text-ink-2">{say("board.nowhere")}</p>}
      <SelectField label={say("lead.stage")} value={stage} onChange={(event) => setStage(event.target.value as Stage)}>
        <option value="">{say("choose")}</option>
        {byHand.map((move) => <option key={move.stage} value={move.stage}>{word(say, "stage", move.stage)}</option>)}
      </SelectField>
    </Ask>
  );
}

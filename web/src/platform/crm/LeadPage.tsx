import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { crm, type Lead, type LeadMove, type Stage } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { DataLink } from "../subjects/DataLink";
import { Ask } from "../ui/Ask";
import { SelectField } from "../ui/Field";
import { Link } from "../ui/Link";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { nameOf } from "./LeadCard";
import { LeadTasks } from "./LeadTasks";
import { Timeline } from "./Timeline";

/** Everything about one lead: who it is, why it counts, what happened and what comes next. */
export default function LeadPage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["crm", "lead", id], queryFn: () => crm.lead(door, id), retry: false });
  const lead = query.data;
  return (
    <Page
      title={lead ? nameOf(lead) : say("lead.title")}
      back={<Link to={pathOf("board")} className="text-sm text-ink-2 underline underline-offset-2">{say("board.title")}</Link>}
      aside={lead && <><DataLink subject={lead.user_id} /><Doings key={lead.revision} lead={lead} /></>}
    >
      <Body>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={5} />}
        {lead && (
          <div className="grid gap-3 wide:grid-cols-[20rem_minmax(0,1fr)]" data-testid="lead" data-stage={lead.stage} data-revision={lead.revision}>
            <div className="min-w-0 space-y-3">
              <Who lead={lead} />
              <ScoreCard id={id} revision={lead.revision} />
              <LeadTasks lead={id} />
              <Deals id={id} />
            </div>
            <Timeline lead={id} revision={lead.revision} />
          </div>
        )}
      </Body>
    </Page>
  );
}

function Who({ lead }: { lead: Lead }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  const moment = (us: number | null) => (us === null ? say("none") : formatMoment(us, language));
  return (
    <Card title={say("lead.who")} aside={<>{lead.hot && <Tag tone="warn">{say("lead.hot")}</Tag>}{lead.overdue && <Tag tone="crit">{say("lead.overdue")}</Tag>}{lead.status !== "open" && <Tag>{word(say, "leadStatus", lead.status)}</Tag>}</>}>
      <Facts
        rows={[
          [say("lead.stage"), <Tag key="stage" tone="lead">{word(say, "stage", lead.stage)}</Tag>],
          [say("lead.since"), moment(lead.stage_since)],
          [say("lead.due"), moment(lead.due_at)],
          [say("lead.phone"), lead.phone ?? say("none")],
          [say("lead.email"), lead.email ?? say("none")],
          [say("lead.city"), lead.city ?? say("none")],
          [say("lead.source"), [lead.source, lead.channel].filter((one, at, all) => one && all.indexOf(one) === at).join(", ") || say("none")],
          [say("lead.interests"), lead.interests.map((one) => word(say, "interest", one)).join(", ") || say("none")],
          [say("lead.owner"), lead.assigned_to === null ? say("lead.pool") : people(lead.assigned_to)],
          [say("lead.created"), moment(lead.created_at)],
          ...(lead.reason ? [[say("lead.lostBecause"), lead.reason] as const] : []),
        ]}
      />
      {lead.sight === "masked" && <p className="mt-2 text-xs text-ink-3">{say("masked")}</p>}
    </Card>
  );
}

function ScoreCard({ id, revision }: { id: string; revision: number }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const query = useQuery({ queryKey: ["crm", "lead", id, "facts", revision], queryFn: () => crm.facts(door, id), retry: false });
  const number = (value: number) => formatDecimal(String(value), language);
  const score = query.data?.score;
  return (
    <Card title={say("lead.score")} aside={score && <span className="text-md font-semibold" data-testid="score">{number(score.total)}</span>}>
      {query.error && <Trouble error={query.error} />}
      {query.isPending && <Wait />}
      <ul className="space-y-1 text-sm">
        {score?.parts.map((one) => (
          <li key={one.kind} className="flex justify-between gap-2">
            <span className={one.points > 0 ? "" : "text-ink-3"}>{word(say, "fact", one.kind)}</span>
            <span>{say("lead.points", { points: number(one.points), of: number(one.of) })}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Deals({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const query = useQuery({ queryKey: ["crm", "lead", id, "deals"], queryFn: () => crm.deals(door, id), retry: false });
  if (!query.data || query.data.items.length === 0) return null;
  return (
    <Card title={say("deals")}>
      <ul className="space-y-1 text-sm">
        {query.data.items.map((deal) => (
          <li key={deal.id} className="flex justify-between gap-2">
            <span className="min-w-0 truncate">{deal.title ?? say("erased")} <Tag>{word(say, "deal", deal.status)}</Tag></span>
            <span>{formatDecimal(deal.expected_usd, language)} USD</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Moving, closing and opening again; each asks first, and a move back asks why. */
function Doings({ lead }: { lead: Lead }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const movable = useMay("lead.move");
  const [wish, setWish] = useState<"move" | "close" | "reopen" | null>(null);
  if (!movable) return null;
  const took = (now: Lead) => {
    cache.setQueryData(["crm", "lead", lead.id], now);
    void cache.invalidateQueries({ queryKey: ["crm", "board"] });
  };
  return (
    <>
      {lead.status === "open" && <Button data-testid="lead-move" onClick={() => setWish("move")}>{say("board.move")}</Button>}
      {lead.status === "open" && <Button tone="quiet" onClick={() => setWish("close")}>{say("lead.close")}</Button>}
      {lead.status === "lost" && <Button onClick={() => setWish("reopen")}>{say("lead.reopen")}</Button>}
      {wish === "move" && <MoveDialog lead={lead} onMoved={took} onClose={() => setWish(null)} />}
      {wish === "close" && <Ask title={say("lead.close.title", { name: nameOf(lead) })} reason={say("reason")} verb={say("lead.close")} danger onDo={async (reason) => took(await crm.close(door, lead, reason))} onClose={() => setWish(null)} />}
      {wish === "reopen" && <Ask title={say("lead.reopen.title", { name: nameOf(lead) })} reason={say("reason")} verb={say("lead.reopen")} onDo={async (reason) => took(await crm.reopen(door, lead, reason))} onClose={() => setWish(null)} />}
    </>
  );
}

function MoveDialog({ lead, onMoved, onClose }: { lead: Lead; onMoved: (lead: Lead) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const moves = useQuery({ queryKey: ["crm", "lead", lead.id, "moves", lead.revision], queryFn: () => crm.moves(door, lead.id), retry: false });
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

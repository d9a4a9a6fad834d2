import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { open, pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { aml, type Case, type CaseRow } from "../api/aml";
import { useDoor, useHere, useMay } from "../context";
import { useNews } from "../crm/useNews";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { DataLink } from "../subjects/DataLink";
import { Ask } from "../ui/Ask";
import { TextArea } from "../ui/Field";
import { Link } from "../ui/Link";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { LEVEL_TONES } from "./CasesPage";
import { amlSentence, factRows } from "./evidence";
import { HitCard } from "./HitCard";

/** A case with what raised it, what the lists say, what people wrote and decided. */
export default function CasePage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["aml", "case", id], queryFn: () => aml.case(door, id), retry: false });
  useNews(() => void query.refetch(), "aml");
  const data = query.data;
  return (
    <Page
      title={data ? `#${data.case.number} ${data.case.client ?? data.case.user_id.slice(0, 8)}` : say("case.title")}
      back={<Link to={pathOf("cases")} className="text-sm text-ink-2 underline underline-offset-2">{say("cases.title")}</Link>}
      aside={data && <Doings key={data.case.revision} row={data.case} />}
    >
      <Body>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={6} />}
        {data && (
          <div className="space-y-3" data-testid="case" data-status={data.case.status}>
            <p className="flex flex-wrap items-center gap-1.5">
              <Tag>{say(`case.${data.case.status}`)}</Tag>
              <Tag tone={LEVEL_TONES[data.case.severity]}>{say(`level.${data.case.severity}`)}</Tag>
              <Tag>{say(`caseKind.${data.case.kind}`)}</Tag>
              <Link to={pathOf("exceptions", data.case.user_id)} data-testid="exceptions-link" className="ml-2 text-sm text-ink-2 underline underline-offset-2">{say("exceptions.title")}</Link>
              <DataLink subject={data.case.user_id} />
            </p>
            <Evidence data={data} />
            {data.hits.map((hit) => <HitCard key={hit.id} caseId={id} status={data.case.status} found={hit} />)}
            <Reports data={data} />
            <Notes data={data} />
            <History data={data} />
          </div>
        )}
      </Body>
    </Page>
  );
}

function Doings({ row }: { row: CaseRow }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const { me } = useHere();
  const works = useMay("aml.work");
  const [to, setTo] = useState<string | null>(null);
  const reread = () => cache.invalidateQueries({ queryKey: ["aml"] });
  const mine = me?.user.id ?? null;
  const assign = (user: string | null) =>
    void act(async () => {
      await aml.assign(door, row.id, user, row.revision);
      await reread();
    });
  return (
    <>
      {works && mine && row.assigned_to !== mine && <Button onClick={() => assign(mine)}>{say("case.take")}</Button>}
      {works && mine && row.assigned_to === mine && <Button tone="quiet" onClick={() => assign(null)}>{say("case.giveBack")}</Button>}
      {row.moves.map((move) => <Button key={move} data-move={move} onClick={() => setTo(move)}>{word(say, "caseMove", move)}</Button>)}
      {to !== null && (
        <Ask
          title={word(say, "caseMove", to)}
          reason={say("reason")}
          verb={word(say, "caseMove", to)}
          danger={to === "confirmed"}
          onDo={async (reason) => {
            await aml.move(door, row.id, to, reason, row.revision);
            await reread();
          }}
          onClose={() => setTo(null)}
        />
      )}
    </>
  );
}

/** What raised the case: the rule, its sentence, and the facts it stands on. */
function Evidence({ data }: { data: Case }) {
  const say = useSay();
  const { language } = useSettings();
  return (
    <Card title={say("case.evidence")}>
      <ul className="-my-2 divide-y divide-line text-sm" data-testid="evidence">
        {data.alerts.map((alert) => {
          const told = amlSentence(alert, say, language);
          return (
            <li key={alert.id} data-rule={alert.rule} className="py-2">
              <p><span className="font-medium">{word(say, "amlRule", alert.rule)}</span> <span className="text-xs text-ink-3">{formatMoment(alert.created_at_us, language)}</span></p>
              {/* An alert of before the figures came along has the server's sentence alone. */}
              {told ? <p className="text-ink-2" data-testid="told">{told.text}</p> : <p className="text-ink-2" lang="en">{alert.detail}</p>}
              <dl className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 text-xs">
                {factRows(told?.rest ?? alert.facts, language).map(([name, value]) => (
                  <div key={name} className="flex gap-1.5">
                    <dt className="text-ink-3">{word(say, "amlFact", name)}</dt>
                    <dd className="break-words">{value}</dd>
                  </div>
                ))}
              </dl>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Reports({ data }: { data: Case }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const drafts = useMay("sar.draft");
  const { language } = useSettings();
  const draft = () =>
    void act(async () => {
      const report = await aml.draft(door, data.case.id);
      open(pathOf("report", report.id));
    });
  if (data.reports.length === 0 && !drafts) return null;
  return (
    <Card title={say("reports.title")} aside={drafts && <Button size="sm" data-testid="report-new" onClick={draft}>{say("report.new")}</Button>}>
      {data.reports.length === 0 && <p className="text-xs text-ink-3">{say("reports.none")}</p>}
      <ul className="space-y-1 text-sm">
        {data.reports.map((report) => (
          <li key={report.id} className="flex flex-wrap items-center gap-2">
            <Link to={pathOf("report", report.id)} className="font-medium underline underline-offset-2">{say("report.of", { time: formatMoment(report.created_at_us, language) })}</Link>
            <Tag>{say(`report.${report.status}`)}</Tag>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Notes({ data }: { data: Case }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const people = usePeople();
  const works = useMay("aml.work");
  const { language } = useSettings();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    if (await act(() => aml.note(door, data.case.id, text.trim()), say("note.saved"))) {
      setText("");
      await cache.invalidateQueries({ queryKey: ["aml", "case", data.case.id] });
    }
    setBusy(false);
  };
  return (
    <Card title={say("notes.title")}>
      {works && (
        <form
          className="mb-3 space-y-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim() !== "" && !busy) void save();
          }}
        >
          <TextArea label={say("note.text")} maxLength={4_000} value={text} onChange={(event) => setText(event.target.value)} />
          <Button type="submit" disabled={busy || text.trim() === ""}>{say("note.save")}</Button>
        </form>
      )}
      {data.notes.length === 0 && <p className="text-xs text-ink-3">{say("notes.none")}</p>}
      <ul className="space-y-2 text-sm">
        {data.notes.map((note) => (
          <li key={note.id}>
            <p className="break-words whitespace-pre-wrap">{note.text}</p>
            <p className="text-2xs text-ink-3">{formatMoment(note.created_at_us, language)} · {people(note.author)}</p>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function History({ data }: { data: Case }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  if (data.history.length === 0) return null;
  return (
    <Card title={say("case.history")}>
      <ol className="space-y-1 text-sm">
        {data.history.map((step, at) => (
          <li key={at}>
            {step.from && `${word(say, "case", step.from)} → `}{word(say, "case", step.to)} {step.reason && <span className="text-ink-2">“{step.reason}”</span>} <span className="text-2xs text-ink-3">{formatMoment(step.at_us, language)} · {people(step.by)}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

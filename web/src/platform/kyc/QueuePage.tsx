import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Empty } from "../../ui/Panel";
import { kyc, type Dispute, type KycQueued, type KycStatus } from "../api/kyc";
import { useDoor } from "../context";
import { useNews } from "../crm/useNews";
import { useSay } from "../i18n";
import { usePages } from "../pages";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";

export const STATUSES: readonly KycStatus[] = ["REVIEW_REQUIRED", "PROCESSING_OCR", "PENDING_UPLOAD", "APPROVED", "REJECTED", "BLOCKED"];
export const STATUS_TONES: Record<KycStatus, Tone> = { PENDING_UPLOAD: "plain", PROCESSING_OCR: "lead", REVIEW_REQUIRED: "warn", APPROVED: "ok", REJECTED: "crit", BLOCKED: "crit" };
/** The stream tells of changes; this is for whoever it does not reach. */
const QUEUE_MS = 60_000;

/** Cases that wait for a person, the overdue ones first, and objections by their deadline. */
export default function QueuePage() {
  const say = useSay();
  const door = useDoor();
  const [status, setStatus] = useState<KycStatus>("REVIEW_REQUIRED");
  const list = usePages<KycQueued>(["kyc", "cases", status], (cursor) => kyc.queue(door, status, cursor), { everyMs: QUEUE_MS });
  useNews(list.reread, "kyc");
  return (
    <Page
      title={say("queue.title")}
      aside={
        <select aria-label={say("queue.status")} className="menu h-10 wide:h-8" value={status} onChange={(event) => setStatus(event.target.value as KycStatus)}>
          {STATUSES.map((one) => <option key={one} value={one}>{say(`kyc.${one}`)}</option>)}
        </select>
      }
    >
      <Body>
        <Disputes />
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={5} />}
        {!list.waiting && !list.error && list.items.length === 0 && <Empty icon="check" title={say("queue.empty")} />}
        <ul className="space-y-2" data-testid="kyc-queue">
          {list.items.map((one) => <QueueRow key={one.id} row={one} />)}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      </Body>
    </Page>
  );
}

function QueueRow({ row }: { row: KycQueued }) {
  const say = useSay();
  const { language } = useSettings();
  return (
    <li data-case={row.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="min-w-0 flex-1 basis-52">
        <Link to={pathOf("review", row.id)} className="font-semibold hover:underline">{row.client ?? row.user_id.slice(0, 8)}</Link>
        <p className="text-xs text-ink-3">
          {say("kyc.attempt", { n: row.attempt })}
          {row.submitted_at !== null && ` · ${formatMoment(row.submitted_at, language)}`}
          {row.due_at !== null && ` · ${say("kyc.dueBy", { time: formatMoment(row.due_at, language) })}`}
        </p>
      </div>
      {row.overdue && <Tag tone="crit">{say("lead.overdue")}</Tag>}
      {row.risky && <Tag tone="warn">{say("kyc.risky")}</Tag>}
      {row.awaiting_second && <Tag tone="lead">{say("kyc.awaitingSecond")}</Tag>}
      {row.findings_count > 0 && <Tag>{say("kyc.findingsCount", { n: row.findings_count })}</Tag>}
      <Tag tone={STATUS_TONES[row.status]}>{say(`kyc.${row.status}`)}</Tag>
    </li>
  );
}

function Disputes() {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const list = usePages<Dispute>(["kyc", "disputes"], (cursor) => kyc.disputes(door, cursor), { everyMs: QUEUE_MS });
  useNews(list.reread, "kyc");
  if (list.items.length === 0) return null;
  return (
    <Card title={say("disputes.title")}>
      <ul className="-my-2 divide-y divide-line">
        {list.items.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-sm">
            <Link to={pathOf("review", one.case_id)} className="min-w-0 flex-1 basis-52 truncate font-medium hover:underline">{one.reason ?? say("dispute.title")}</Link>
            <span className="text-xs text-ink-3">{say("dispute.due", { time: formatMoment(one.due_at, language) })}</span>
            <Tag tone="crit">{one.priority}</Tag>
          </li>
        ))}
      </ul>
      <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
    </Card>
  );
}

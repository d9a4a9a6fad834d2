import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Empty } from "../../ui/Panel";
import { aml, type CaseRow, type CaseStatus, type Level } from "../api/aml";
import { useDoor } from "../context";
import { useNews } from "../crm/useNews";
import { useSay } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";

export const CASE_STATUSES: readonly CaseStatus[] = ["open", "investigating", "escalated", "cleared", "confirmed", "reported"];
export const LEVEL_TONES: Record<Level, Tone> = { low: "plain", medium: "warn", high: "crit" };
/** The stream tells of changes; this is for whoever it does not reach. */
const CASES_MS = 60_000;

/** Cases of sanctions and of transactions, the newest first. */
export default function CasesPage() {
  const say = useSay();
  const door = useDoor();
  const [status, setStatus] = useState("");
  const [kind, setKind] = useState("");
  const list = usePages<CaseRow>(["aml", "cases", status, kind], (cursor) => aml.cases(door, { status, kind }, cursor), { everyMs: CASES_MS });
  useNews(list.reread, "aml");
  return (
    <Page
      title={say("cases.title")}
      aside={
        <>
          <select aria-label={say("cases.status")} className="menu h-10 wide:h-8" value={status} onChange={(event) => setStatus(event.target.value)}>
            <option value="">{say("cases.anyStatus")}</option>
            {CASE_STATUSES.map((one) => <option key={one} value={one}>{say(`case.${one}`)}</option>)}
          </select>
          <select aria-label={say("cases.kind")} className="menu h-10 wide:h-8" value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">{say("cases.anyKind")}</option>
            {(["sanctions", "transactions"] as const).map((one) => <option key={one} value={one}>{say(`caseKind.${one}`)}</option>)}
          </select>
        </>
      }
    >
      <Body>
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={5} />}
        {!list.waiting && !list.error && list.items.length === 0 && <Empty icon="check" title={say("cases.empty")} />}
        <ul className="space-y-2" data-testid="cases">
          {list.items.map((one) => <CaseLine key={one.id} row={one} />)}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      </Body>
    </Page>
  );
}

function CaseLine({ row }: { row: CaseRow }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  return (
    <li data-case={row.id} data-status={row.status} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="min-w-0 flex-1 basis-52">
        <Link to={pathOf("case", row.id)} className="font-semibold hover:underline">#{row.number} {row.client ?? row.user_id.slice(0, 8)}</Link>
        <p className="text-xs text-ink-3">{say(`caseKind.${row.kind}`)} · {say("cases.alerts", { n: row.alerts })} · {formatMoment(row.updated_at_us, language)} · {people(row.assigned_to)}</p>
      </div>
      <Tag tone={LEVEL_TONES[row.severity]}>{say(`level.${row.severity}`)}</Tag>
      <Tag>{say(`case.${row.status}`)}</Tag>
    </li>
  );
}

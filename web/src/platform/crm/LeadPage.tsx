import { pathOf } from "../../app/route";
import { useSay } from "../i18n";
import { DataLink } from "../subjects/DataLink";
import { Link } from "../ui/Link";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { nameOf } from "./LeadCard";
import { LeadDeals } from "./LeadDeals";
import { LeadDoings } from "./LeadDoings";
import { LeadFacts } from "./LeadFacts";
import { LeadTasks } from "./LeadTasks";
import { LeadWho } from "./LeadWho";
import { Timeline } from "./Timeline";
import { useLead } from "./useLead";

/** Everything about one lead: who it is, why it counts, what happened and what comes next. */
export default function LeadPage({ id }: { id: string }) {
  const say = useSay();
  const query = useLead(id);
  const lead = query.data;
  return (
    <Page
      title={lead ? nameOf(lead) : say("lead.title")}
      back={<Link to={pathOf("board")} className="text-sm text-ink-2 underline underline-offset-2">{say("board.title")}</Link>}
      aside={lead && <><DataLink subject={lead.subject_id ?? lead.user_id} lead={lead.user_id === null ? lead.id : null} /><LeadDoings lead={lead} /></>}
    >
      <Body>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={5} />}
        {lead && (
          <div className="grid gap-3 wide:grid-cols-[20rem_minmax(0,1fr)]" data-testid="lead" data-stage={lead.stage} data-revision={lead.revision}>
            <div className="min-w-0 space-y-3">
              <LeadWho lead={lead} />
              <LeadFacts lead={lead} />
              <LeadTasks lead={id} />
              <LeadDeals lead={lead} />
            </div>
            <Timeline lead={lead} />
          </div>
        )}
      </Body>
    </Page>
  );
}

import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import type { Lead } from "../api/crm";
import { useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { Link } from "../ui/Link";
import { Card, Facts } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { LeadEdit } from "./LeadEdit";

/** Who a lead is, where they stand and whose they are. */
export function LeadWho({ lead }: { lead: Lead }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  const edits = useMay("lead.edit");
  const [editing, setEditing] = useState(false);
  const moment = (us: number | null) => (us === null ? say("none") : formatMoment(us, language));
  // What is seen masked would be sent back masked.
  const open = edits && lead.status !== "merged" && lead.sight === "clear";
  return (
    <Card
      title={say("lead.who")}
      aside={
        <>
          {lead.hot && <Tag tone="warn">{say("lead.hot")}</Tag>}
          {lead.overdue && <Tag tone="crit">{say("lead.overdue")}</Tag>}
          {lead.status !== "open" && <Tag>{word(say, "leadStatus", lead.status)}</Tag>}
          {open && <Button size="sm" data-testid="lead-edit" onClick={() => setEditing(true)}>{say("lead.edit")}</Button>}
        </>
      }
    >
      {lead.merged_into !== null && (
        <p className="mb-2 text-sm" data-testid="part-of">
          {say("lead.partOf")} <Link to={pathOf("lead", lead.merged_into)} className="underline underline-offset-2">{say("lead.partOf.open")}</Link>
        </p>
      )}
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
          [say("lead.owner"), <span key="owner" data-testid="owner">{lead.assigned_to === null ? say("lead.pool") : people(lead.assigned_to)}</span>],
          [say("lead.created"), moment(lead.created_at)],
          ...(lead.reason ? [[say("lead.lostBecause"), lead.reason] as const] : []),
        ]}
      />
      {lead.sight === "masked" && <p className="mt-2 text-xs text-ink-3">{say("masked")}</p>}
      {editing && <LeadEdit lead={lead} onClose={() => setEditing(false)} />}
    </Card>
  );
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { aml, type AmlReport, type ReportStep } from "../api/aml";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { TextArea } from "../ui/Field";
import { Link } from "../ui/Link";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { stepsOf } from "./steps";

/** A report of suspicious activity: written by one person, approved by another, then filed. */
export default function ReportPage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["aml", "report", id], queryFn: () => aml.report(door, id), retry: false });
  const report = query.data;
  return (
    <Page title={say("report.title")} back={report && <Link to={pathOf("case", report.case_id)} className="text-sm text-ink-2 underline underline-offset-2">{say("case.title")}</Link>} aside={report && <Tag data-testid="report-status">{say(`report.${report.status}`)}</Tag>}>
      <Body className="max-w-180">
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={5} />}
        {report && <Draft key={report.revision} report={report} />}
      </Body>
    </Page>
  );
}

function Draft({ report }: { report: AmlReport }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const people = usePeople();
  const { language } = useSettings();
  const [narrative, setNarrative] = useState(report.narrative);
  const [busy, setBusy] = useState(false);
  const [wish, setWish] = useState<ReportStep | null>(null);
  const took = (now: AmlReport) => {
    cache.setQueryData(["aml", "report", report.id], now);
    void cache.invalidateQueries({ queryKey: ["aml", "case", report.case_id] });
  };
  const changed = narrative !== report.narrative;
  const writes = report.moves.includes("edit");
  const save = async () => {
    setBusy(true);
    await act(async () => took(await aml.write(door, report, narrative)), say("report.saved"));
    setBusy(false);
  };
  return (
    <>
      <Card title={say("report.narrative")}>
        <form
          className="space-y-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (changed && !busy) void save();
          }}
        >
          <TextArea label={say("report.narrative")} rows={14} readOnly={!writes} data-testid="narrative" value={narrative} onChange={(event) => setNarrative(event.target.value)} />
          {writes && <Button type="submit" data-testid="report-save" disabled={!changed || busy}>{say("report.save")}</Button>}
        </form>
      </Card>
      <Card title={say("report.people")}>
        <Facts
          rows={[
            [say("report.drafted"), people(report.drafted_by)],
            [say("report.submittedBy"), people(report.submitted_by)],
            [say("report.approvedBy"), people(report.approved_by)],
            ...(report.reference ? [[say("report.reference"), report.reference] as const] : []),
            ...(report.filed_at_us !== null ? [[say("report.filedAt"), formatMoment(report.filed_at_us, language)] as const] : []),
          ]}
        />
        <p className="mt-2 text-xs text-ink-3">{say("report.eyes")}</p>
        <div className="mt-3 flex flex-wrap gap-2">
          {stepsOf(report.moves).map((step) => (
            <Button key={step} tone={step === "approve" ? "primary" : "plain"} data-step={step} disabled={changed} onClick={() => setWish(step)}>{say(`reportStep.${step}`)}</Button>
          ))}
        </div>
      </Card>
      {wish && (
        <Ask
          title={say(`reportStep.${wish}`)}
          help={say(`reportStep.${wish}.help`)}
          reason={wish === "return" ? say("reason") : wish === "filed" ? say("report.reference") : undefined}
          verb={say(`reportStep.${wish}`)}
          onDo={async (text) => took(await aml.step(door, report, wish, wish === "return" ? { reason: text } : wish === "filed" ? { reference: text } : {}))}
          onClose={() => setWish(null)}
        />
      )}
    </>
  );
}

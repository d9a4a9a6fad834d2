import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTopic } from "../../app/data";
import { useSettings } from "../../app/settings";
import { ABSENT, formatDecimal } from "../../format/decimal";
import { formatAge, formatClock } from "../../format/time";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { crm } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay } from "../i18n";
import { keep } from "../ui/keep";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";

/** The stream tells of changes; this is for what another program of the house changed, and for ages. */
const DASHBOARD_MS = 60_000;

/** The desk's own figures; all of them are the server's. */
export default function DashboardPage() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const takes = useMay("analytics.export");
  const [busy, setBusy] = useState(false);
  const { language } = useSettings();
  const query = useQuery({ queryKey: ["crm", "dashboard"], queryFn: () => crm.dashboard(door), refetchInterval: DASHBOARD_MS });
  useTopic("crm", "*", (event) => {
    if (event.kind === "data") void query.refetch();
  });
  const number = (value: number) => formatDecimal(String(value), language);
  const percent = (value: string | null) => (value === null ? ABSENT : `${formatDecimal(value, language)} %`);
  const data = query.data;
  const take = async () => {
    setBusy(true);
    await act(async () => keep("siaga-figures.json", await crm.takeDashboard(door)), say("export.done"));
    setBusy(false);
  };
  return (
    <Page title={say("dashboard.title")} aside={data && (
      <>
        <span className="text-xs text-ink-3">{say("asOf", { time: formatClock(data.at, language) })}</span>
        {takes && <Button data-testid="take-figures" disabled={busy} onClick={() => void take()}>{say(busy ? "export.busy" : "dashboard.take")}</Button>}
      </>
    )}>
      <Body>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={5} />}
        {data && (
          <>
            <dl className="grid grid-cols-2 gap-2 wide:grid-cols-4" data-testid="dashboard">
              <Figure name={say("dashboard.today")} value={number(data.total.today)} />
              <Figure name={say("dashboard.week")} value={number(data.total.week)} />
              <Figure name={say("dashboard.month")} value={number(data.total.month)} />
              <Figure name={say("dashboard.all")} value={number(data.total.all)} />
              <Figure name={say("dashboard.conversion")} value={percent(data.conversion_percent)} help={say("dashboard.converted", { n: number(data.converted) })} />
              <Figure name={say("dashboard.kyc")} value={percent(data.kyc.pass_percent)} help={say("dashboard.kyc.of", { passed: number(data.kyc.passed), failed: number(data.kyc.failed) })} />
              <Figure name={say("dashboard.hot")} value={number(data.hot)} />
              <Figure name={say("dashboard.pool")} value={number(data.pool)} />
            </dl>
            <Card title={say("dashboard.stages")}>
              <div className="scroll -m-3" tabIndex={0} role="region" aria-label={say("dashboard.stages")}>
                <table className="table w-full text-sm">
                  <thead>
                    <tr>
                      <th scope="col">{say("lead.stage")}</th>
                      <th scope="col" className="n">{say("dashboard.now")}</th>
                      <th scope="col" className="n">{say("dashboard.overdue")}</th>
                      <th scope="col" className="n">{say("dashboard.average")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.stages.map((row) => (
                      <tr key={row.stage} data-stage={row.stage} className="h-9 border-t border-line">
                        <td>{say(`stage.${row.stage}`)}</td>
                        <td className="n">{number(row.now)}</td>
                        <td className={`n ${row.overdue > 0 ? "text-crit" : ""}`}>{number(row.overdue)}</td>
                        <td className="n">{row.average_s === null ? ABSENT : formatAge(row.average_s * 1_000, language, "s")}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
          </>
        )}
      </Body>
    </Page>
  );
}

function Figure({ name, value, help }: { name: string; value: string; help?: string }) {
  return (
    <div className="rounded-lg border border-line bg-panel p-3">
      <dt className="label">{name}</dt>
      <dd className="text-xl font-semibold">{value}</dd>
      {help && <dd className="text-xs text-ink-3">{help}</dd>}
    </div>
  );
}

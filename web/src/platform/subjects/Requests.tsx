import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatStamp } from "../../format/time";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { records, type SubjectRequest } from "../api/records";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { keep } from "../ui/keep";
import { Card, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";
import { exportName } from "./consents";

const TONES: Record<SubjectRequest["status"], Tone> = { open: "lead", held: "warn", done: "ok", refused: "crit" };

/** A person's rights to their data: all of it as a file, and its end within thirty days. */
export function Requests({ subject, own = false }: { subject: string; own?: boolean }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const erases = useMay("subject.request") || own;
  // Its ledger names the house's stores: it is read by those whose work the requests are.
  const ledger = useMay("subject.read");
  const query = useQuery({ queryKey: ["subject", subject, "requests"], queryFn: () => records.requests(door, subject), retry: false });
  const [busy, setBusy] = useState(false);
  const [erasing, setErasing] = useState(false);
  const [sure, setSure] = useState(false);
  const take = async () => {
    setBusy(true);
    await act(async () => keep(exportName(subject), await records.export(door, subject)), say("export.done"));
    setBusy(false);
    await cache.invalidateQueries({ queryKey: ["subject", subject] });
  };
  return (
    <Card title={say("requests.title")}>
      <p className="mb-3 text-xs text-ink-3">{say(own ? "requests.own.help" : "requests.help")}</p>
      <div className="mb-3 flex flex-wrap gap-2">
        <Button data-testid="export" disabled={busy} onClick={() => void take()}>{say(busy ? "export.busy" : "export.do")}</Button>
        {erases && <Button tone="danger" data-testid="erase" onClick={() => (setSure(false), setErasing(true))}>{say("erasure.do")}</Button>}
      </div>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={2} />}
      {query.data?.items.length === 0 && <p className="text-sm text-ink-3">{say("requests.none")}</p>}
      <ul className="divide-y divide-line text-sm" data-testid="requests">
        {query.data?.items.map((one) => <RequestRow key={one.id} row={one} ledger={ledger && one.kind === "erasure"} />)}
      </ul>
      {erasing && (
        <Ask
          title={say("erasure.title")}
          help={say(own ? "erasure.own.help" : "erasure.help")}
          verb={say("erasure.do")}
          danger
          blocked={!sure}
          onDo={async () => {
            await records.erase(door, subject);
            await cache.invalidateQueries({ queryKey: ["subject", subject] });
          }}
          onClose={() => setErasing(false)}
        >
          <label className="flex items-start gap-2 text-sm">
            <input type="checkbox" className="mt-0.5 size-4 shrink-0" data-testid="erase-sure" data-first-focus checked={sure} onChange={(event) => setSure(event.target.checked)} />
            {say("erasure.sure")}
          </label>
        </Ask>
      )}
    </Card>
  );
}

function RequestRow({ row, ledger }: { row: SubjectRequest; ledger: boolean }) {
  const say = useSay();
  const { language } = useSettings();
  const [shown, setShown] = useState(false);
  return (
    <li data-request={row.kind} data-status={row.status} className="py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="min-w-0 flex-1 basis-52">
          <span className="block font-medium">{say(`request.${row.kind}`)}</span>
          <span className="text-xs text-ink-3">{say("request.times", { made: formatStamp(row.made_us, language), due: formatStamp(row.due_us, language) })}</span>
          {row.reason && <span className="block text-xs break-words text-ink-2">{row.reason}</span>}
        </span>
        <Tag tone={TONES[row.status]}>{say(`requestState.${row.status}`)}</Tag>
        {ledger && <Button size="sm" className="h-9 wide:h-7" data-testid="ledger-show" aria-expanded={shown} onClick={() => setShown(!shown)}>{say("ledger.title")}</Button>}
      </div>
      {shown && <Ledger request={row.id} />}
    </li>
  );
}

/** What an erasure did in each store. */
function Ledger({ request }: { request: string }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const query = useQuery({ queryKey: ["ledger", request], queryFn: () => records.ledger(door, request), retry: false });
  if (query.error) return <Trouble error={query.error} onRetry={() => void query.refetch()} />;
  if (query.isPending) return <Wait lines={2} />;
  if (query.data.items.length === 0) return <p className="mt-2 text-xs text-ink-3" data-testid="ledger">{say("ledger.empty")}</p>;
  return (
    <div className="scroll mt-2 rounded-md border border-line" tabIndex={0} role="region" aria-label={say("ledger.title")}>
      <table className="table w-full text-xs" data-testid="ledger">
        <thead>
          <tr><th scope="col">{say("ledger.store")}</th><th scope="col">{say("ledger.action")}</th><th scope="col" className="n">{say("ledger.items")}</th><th scope="col">{say("reason")}</th></tr>
        </thead>
        <tbody>
          {query.data.items.map((line, at) => (
            <tr key={at} className="h-8 border-t border-line">
              <th scope="row" className="!static font-medium">{word(say, "store", line.store)}</th>
              <td>{word(say, "ledgerAction", line.action)}</td>
              <td className="n">{formatDecimal(String(line.items), language)}</td>
              <td>{line.reason ?? say("none")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

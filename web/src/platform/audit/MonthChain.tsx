import { useEffect, useRef, useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { records } from "../api/records";
import { useDoor } from "../context";
import { useSay, word } from "../i18n";
import { TextField } from "../ui/Field";
import { Card } from "../ui/Page";
import { monthOf, verifyMonth, type Verified } from "./chain";

/** A month as the server takes it; browsers without a field for months take it as text. */
const MONTH = /^\d{4}-\d{2}$/;

/** Has the chain of a month computed anew, piece by piece, and says where it was touched. */
export function MonthChain() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const { language } = useSettings();
  const [month, setMonth] = useState(() => monthOf(Date.now()));
  const [found, setFound] = useState<Verified | null>(null);
  const [busy, setBusy] = useState(false);
  const here = useRef(true);
  useEffect(() => {
    here.current = true;
    return () => {
      here.current = false;
    };
  }, []);
  const verify = async () => {
    setBusy(true);
    setFound(null);
    await act(() => verifyMonth((after) => records.chain(door, month, after), setFound, () => here.current));
    setBusy(false);
  };
  const rows = found && formatDecimal(String(found.rows), language);
  return (
    <Card title={say("chain.title")}>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && MONTH.test(month)) void verify();
        }}
      >
        <TextField type="month" label={say("chain.month")} data-testid="chain-month" value={month} onChange={(event) => setMonth(event.target.value)} />
        <Button type="submit" className="h-10 wide:h-8" data-testid="chain-verify" disabled={busy || !MONTH.test(month)}>{say("chain.verify")}</Button>
      </form>
      <div role="status" data-testid="chain-found" data-ended={found?.ended ?? false} data-flaws={found?.flaws.length ?? 0} className="mt-2 text-sm">
        {found && rows && !found.ended && say("chain.sofar", { n: rows })}
        {found && rows && found.ended && (found.flaws.length === 0 ? <p className="text-ok">{say("chain.whole", { n: rows })}</p> : <p className="text-crit">{say("chain.broken", { n: rows })}</p>)}
        {found && found.flaws.length > 0 && (
          <ul className="mt-1 list-disc pl-5 text-xs">
            {found.flaws.map((flaw, at) => (
              <li key={at}>{word(say, "flaw", flaw.kind)}{flaw.link !== null && ` · ${say("audit.link", { n: formatDecimal(String(flaw.link), language) })}`}</li>
            ))}
          </ul>
        )}
      </div>
      <p className="mt-1 text-xs text-ink-3">{say("chain.help")}</p>
    </Card>
  );
}

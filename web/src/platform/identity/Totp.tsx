import { useState, type FormEvent } from "react";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { identity, type TotpSetup } from "../api/identity";
import { useDoor, useHere } from "../context";
import { readCode } from "../forms";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { TextField } from "../ui/Field";
import { Card } from "../ui/Page";
import { Tag } from "../ui/Tag";

/** An authenticator: the code to scan, the first six digits as proof, then the codes for the day the telephone is lost. */
export function Totp() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const { me, reread } = useHere();
  const [setup, setSetup] = useState<TotpSetup | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [dropping, setDropping] = useState(false);
  const has = me?.factors.includes("totp") ?? false;
  const begin = () => void act(async () => setSetup(await identity.beginTotp(door)));
  const anew = () => void act(async () => setCodes((await identity.recoveryCodes(door)).recovery_codes));
  return (
    <Card title={say("totp.title")} aside={<Tag tone={has ? "ok" : "warn"} data-testid="totp-state">{say(has ? "totp.on" : "totp.off")}</Tag>}>
      {codes ? (
        <RecoveryCodes codes={codes} onDone={() => (setCodes(null), void reread())} />
      ) : setup ? (
        <Enrol setup={setup} onCancel={() => setSetup(null)} onDone={(given) => (setSetup(null), setCodes(given))} />
      ) : (
        <>
          <p className="mb-3 text-sm text-ink-2">{say("totp.help")}</p>
          <div className="flex flex-wrap gap-2">
            {!has && <Button tone="primary" data-testid="totp-begin" onClick={begin}>{say("totp.begin")}</Button>}
            {has && <Button onClick={anew}>{say("totp.codesAnew")}</Button>}
            {has && <Button tone="quiet" onClick={() => setDropping(true)}>{say("totp.drop")}</Button>}
          </div>
        </>
      )}
      {dropping && (
        <Ask
          title={say("totp.drop")}
          help={say("totp.drop.help")}
          verb={say("totp.drop")}
          danger
          onDo={async () => {
            await identity.dropTotp(door);
            await reread();
          }}
          onClose={() => setDropping(false)}
        />
      )}
    </Card>
  );
}

function Enrol({ setup, onCancel, onDone }: { setup: TotpSetup; onCancel: () => void; onDone: (codes: string[]) => void }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const typed = readCode(code);
  const confirm = async (event: FormEvent) => {
    event.preventDefault();
    if (typed === null || busy) return;
    setBusy(true);
    const done = await act(async () => onDone((await identity.confirmTotp(door, typed)).recovery_codes));
    if (!done) setBusy(false);
  };
  return (
    <div className="flex flex-wrap gap-4" data-testid="totp-enrol">
      {/* Shown as a picture, so that nothing in it can be a script; dark on light in every theme, or a camera cannot read it. */}
      <img src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(setup.qr_svg)}`} alt={say("totp.qr")} data-testid="totp-qr" width={200} height={200} className="size-50 rounded bg-white p-2" />
      <div className="min-w-0 flex-1 basis-56 space-y-3">
        <p className="text-sm text-ink-2">{say("totp.scan")}</p>
        <p className="text-xs text-ink-3">{say("totp.secret")} <code className="block font-semibold break-all text-ink select-all" data-testid="totp-secret">{setup.secret}</code></p>
        <form className="space-y-2" onSubmit={(event) => void confirm(event)}>
          <TextField label={say("mfa.code")} inputMode="numeric" autoComplete="one-time-code" autoFocus data-testid="totp-code" value={code} onChange={(event) => setCode(event.target.value)} />
          <div className="flex gap-2">
            <Button type="submit" tone="primary" data-testid="totp-confirm" disabled={typed === null || busy}>{say("totp.confirm")}</Button>
            <Button tone="quiet" onClick={onCancel}>{say("cancel")}</Button>
          </div>
        </form>
      </div>
    </div>
  );
}

/** Shown once: whoever has them gets in without the telephone. */
function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const say = useSay();
  const [kept, setKept] = useState(false);
  return (
    <div data-testid="recovery-codes" className="space-y-3">
      <p className="text-sm font-medium">{say("recovery.title")}</p>
      <p className="text-sm text-ink-2">{say("recovery.help")}</p>
      <ul className="grid max-w-90 grid-cols-2 gap-1 rounded-md border border-line p-2 select-all">
        {codes.map((code) => <li key={code}><code>{code}</code></li>)}
      </ul>
      <label className="flex items-center gap-2 text-sm">
        <input type="checkbox" className="size-4" checked={kept} onChange={(event) => setKept(event.target.checked)} />
        {say("recovery.kept")}
      </label>
      <Button tone="primary" data-testid="recovery-done" disabled={!kept} onClick={onDone}>{say("recovery.done")}</Button>
    </div>
  );
}

import { useState, type FormEvent } from "react";
import type { Mfa, SignedIn } from "../../api/types";
import { useServices } from "../../app/services";
import { useSettings } from "../../app/settings";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { identity } from "../api/identity";
import { useDoor, useHere } from "../context";
import { explainFault, wrongField } from "../fault";
import { passwordLacks } from "../forms";
import { useSay } from "../i18n";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { Body, Card, Facts, Page } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { Passkeys } from "./Passkeys";
import { SecondFactor } from "./SecondFactor";
import { Totp } from "./Totp";

/** How a person proves who they are: password, authenticator, passkeys, confirmed address and number. */
export default function SecurityPage() {
  const say = useSay();
  const { me } = useHere();
  return (
    <Page title={say("page.security")}>
      <Body className="max-w-180">
        {me?.enrol && <p role="status" data-testid="enrol" className="rounded-md border border-warn/70 bg-panel p-3 text-sm">{say("security.enrol")}</p>}
        <Confirmation />
        <Totp />
        <Passkeys />
        {!me?.enrol && <Contacts />}
        {!me?.enrol && <Password />}
      </Body>
    </Page>
  );
}

/** A session that was opened without the second factor gets it here: withdrawals ask for it. */
function Confirmation() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const { api } = useServices();
  const { me, reread } = useHere();
  const [mfa, setMfa] = useState<Mfa | null>(null);
  if (!me || me.mfa || me.factors.length === 0) return null;
  const confirmed = (answer: SignedIn) => {
    api.signedIn(answer.csrf);
    setMfa(null);
    void reread();
  };
  return (
    <Card title={say("mfa.title")} aside={<Tag tone="warn">{say("confirm.missing")}</Tag>}>
      {mfa ? (
        <SecondFactor api={api} mfa={mfa} inside onSignedIn={confirmed} onBack={() => setMfa(null)} />
      ) : (
        <>
          <p className="mb-3 text-sm text-ink-2">{say("confirm.help")}</p>
          <Button tone="primary" data-testid="confirm-begin" onClick={() => void act(async () => setMfa(await identity.beginConfirmation(door)))}>{say("mfa.do")}</Button>
        </>
      )}
    </Card>
  );
}

function Contacts() {
  const say = useSay();
  const act = useAct();
  const door = useDoor();
  const { me, reread } = useHere();
  const [open, setOpen] = useState<"email" | "phone" | null>(null);
  const [code, setCode] = useState("");
  const user = me?.user;
  if (!user) return null;
  const send = (what: "email" | "phone") => void act(async () => (await identity.confirmSend(door, what), setOpen(what), setCode("")), say("signin.sent"));
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    if (open === null) return;
    void act(async () => {
      await identity.confirm(door, open, code.trim());
      setOpen(null);
      await reread();
    }, say("contact.confirmed"));
  };
  return (
    <Card title={say("contact.title")} aside={user.verified && <Tag tone="ok">{say("contact.verified")}</Tag>}>
      <Facts rows={[[say("signin.email"), user.email ?? say("none")], [say("signin.phone"), user.phone ?? say("none")]]} />
      <div className="mt-3 flex flex-wrap gap-2">
        {user.email && <Button size="sm" onClick={() => send("email")}>{say("contact.email")}</Button>}
        {user.phone && <Button size="sm" onClick={() => send("phone")}>{say("contact.phone")}</Button>}
      </div>
      {open && (
        <form className="mt-3 flex items-end gap-2" onSubmit={confirm}>
          <TextField label={say("signin.code")} inputMode="numeric" autoComplete="one-time-code" autoFocus value={code} onChange={(event) => setCode(event.target.value)} />
          <Button type="submit" disabled={code.trim() === ""}>{say("contact.do")}</Button>
        </form>
      )}
    </Card>
  );
}

function Password() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const { me } = useHere();
  const { language } = useSettings();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const lacks = passwordLacks(password, me?.user.email ?? "");
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const done = await act(
      () =>
        identity.password(door, current, password).catch((caught: unknown) => {
          setError(caught);
          throw caught;
        }),
      say("password.changed"),
    );
    if (done) (setCurrent(""), setPassword(""));
    setBusy(false);
  };
  return (
    <Card title={say("password.title")}>
      <form className="max-w-90 space-y-2" onSubmit={(event) => void save(event)}>
        <TextField label={say("password.current")} type="password" autoComplete="current-password" value={current} wrong={wrongField(error, "current", language)} onChange={(event) => setCurrent(event.target.value)} />
        <TextField
          label={say("signin.password.new")}
          type="password"
          autoComplete="new-password"
          value={password}
          wrong={wrongField(error, "new", language)}
          help={password !== "" && lacks.length > 0 ? say("password.lacks", { what: lacks.map((rule) => say(`password.${rule}`)).join(", ") }) : undefined}
          onChange={(event) => setPassword(event.target.value)}
        />
        <p className="text-xs text-ink-3">{say("password.help")}</p>
        {error !== null && <Fault told={explainFault(error, language)} />}
        <Button type="submit" disabled={busy || current === "" || lacks.length > 0}>{say("password.save")}</Button>
      </form>
    </Card>
  );
}

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
import { Body, Card, Page } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { Contacts } from "./Contacts";
import { Linked } from "./Linked";
import { Passkeys } from "./Passkeys";
import { SecondFactor } from "./SecondFactor";
import { Totp } from "./Totp";

/** How a person proves who they are: password, authenticator, passkeys, confirmed address and number, accounts at providers. */
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
        {!me?.enrol && <Linked />}
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

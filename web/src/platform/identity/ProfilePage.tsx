import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import type { User } from "../../api/types";
import { useSettings } from "../../app/settings";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { identity, type RiskAppetite, type UserPreferences } from "../api/identity";
import { useDoor, useHere } from "../context";
import { explainFault, wrongField } from "../fault";
import { useSay, word } from "../i18n";
import { Checks } from "../ui/Checks";
import { Fault } from "../ui/Fault";
import { SelectField, TextField } from "../ui/Field";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { APPETITES, ASSETS_MAX, assetsOf, changeOf, CLASSES, correctionOf, draftOf, ownDraftOf } from "./preferences";
import { ProfileFacts } from "./Profile";

const PROFILE = ["profile"] as const;

/** What the house knows of oneself, and the place to say what one likes. */
export default function ProfilePage() {
  const say = useSay();
  const door = useDoor();
  const { me, reread } = useHere();
  const query = useQuery({ queryKey: PROFILE, queryFn: () => identity.profile(door) });
  const profile = query.data;
  return (
    <Page title={say("page.profile")}>
      <Body className="max-w-180">
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={5} />}
        {profile && <Card title={say("page.profile")}><ProfileFacts profile={profile} /></Card>}
        {me && !me.enrol && <Correction key={me.user.revision} user={me.user} onDone={reread} />}
        {me && !me.enrol && <NewAddress onDone={reread} />}
        {profile && <Preferences key={profile.preferences.revision} held={profile.preferences} />}
      </Body>
    </Page>
  );
}

/** Name, number and language, as they should be. The address names the account and stays. */
function Correction({ user, onDone }: { user: User; onDone: () => Promise<void> }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const { language } = useSettings();
  const [draft, setDraft] = useState(() => ownDraftOf(user));
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const correction = correctionOf(user, draft);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (correction === null || busy) return;
    setBusy(true);
    setError(null);
    await act(async () => {
      try {
        await identity.correct(door, correction);
      } catch (caught) {
        setError(caught);
        throw caught;
      }
      await onDone();
    }, say("preferences.saved"));
    setBusy(false);
  };
  return (
    <Card title={say("correct.title")}>
      <form className="max-w-110 space-y-3" data-testid="correct" onSubmit={(event) => void save(event)}>
        <TextField label={say("correct.name")} data-testid="correct-name" autoComplete="name" maxLength={120} disabled={user.verified} help={user.verified ? say("correct.name.shown") : undefined} value={draft.name} wrong={wrongField(error, "name", language)} onChange={(event) => setDraft({ ...draft, name: event.target.value })} />
        <TextField label={say("signin.phone")} data-testid="correct-phone" type="tel" autoComplete="tel" maxLength={40} help={say("correct.phone.help")} value={draft.phone} wrong={wrongField(error, "phone", language)} onChange={(event) => setDraft({ ...draft, phone: event.target.value })} />
        <SelectField label={say("correct.locale")} value={draft.locale} onChange={(event) => setDraft({ ...draft, locale: event.target.value })}>
          <option value="id">Bahasa Indonesia</option>
          <option value="en">English</option>
        </SelectField>
        {error !== null && <Fault told={explainFault(error, language)} />}
        <Button type="submit" data-testid="correct-save" disabled={busy || correction === null}>{say("preferences.save")}</Button>
      </form>
    </Card>
  );
}

/** Another address to sign in by: asked for with the password, taken by the code that reached it. */
function NewAddress({ onDone }: { onDone: () => Promise<void> }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const { language } = useSettings();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [sent, setSent] = useState(false);
  const [code, setCode] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const tried = async (work: () => Promise<void>, done: string) => {
    setBusy(true);
    setError(null);
    await act(
      () =>
        work().catch((caught: unknown) => {
          setError(caught);
          throw caught;
        }),
      done,
    );
    setBusy(false);
  };
  const ask = async () => {
    await identity.askAddress(door, email.trim(), password);
    setPassword("");
    setSent(true);
  };
  const take = async () => {
    await identity.takeAddress(door, code.trim());
    setEmail("");
    setCode("");
    setSent(false);
    await onDone();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) void (sent ? tried(take, say("address.taken")) : tried(ask, say("address.sent")));
  };
  return (
    <Card title={say("address.title")}>
      <form className="max-w-110 space-y-3" data-testid="new-address" onSubmit={submit}>
        <TextField label={say("signin.email")} type="email" autoComplete="off" maxLength={254} disabled={sent} value={email} wrong={wrongField(error, "email", language)} onChange={(event) => setEmail(event.target.value)} />
        {sent ? (
          <TextField label={say("signin.code")} inputMode="numeric" autoComplete="one-time-code" value={code} wrong={wrongField(error, "code", language)} onChange={(event) => setCode(event.target.value)} />
        ) : (
          <TextField label={say("password.current")} type="password" autoComplete="current-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        )}
        <p className="text-xs text-ink-3">{say("address.help")}</p>
        {error !== null && <Fault told={explainFault(error, language)} />}
        <div className="flex gap-2">
          <Button type="submit" disabled={busy || (sent ? code.trim() === "" : email.trim() === "" || password === "")}>{say(sent ? "address.take" : "address.ask")}</Button>
          {sent && <Button onClick={() => setSent(false)}>{say("address.other")}</Button>}
        </div>
      </form>
    </Card>
  );
}

function Preferences({ held }: { held: UserPreferences }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const { language } = useSettings();
  const [draft, setDraft] = useState(() => draftOf(held));
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const change = changeOf(held, draft);
  const many = assetsOf(draft).length > ASSETS_MAX;
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (change === null || many || busy) return;
    setBusy(true);
    setError(null);
    await act(async () => {
      try {
        await identity.setPreferences(door, change);
      } catch (caught) {
        setError(caught);
        throw caught;
      }
      await cache.invalidateQueries({ queryKey: PROFILE });
    }, say("preferences.saved"));
    setBusy(false);
  };
  return (
    <Card title={say("preferences.title")}>
      <form className="max-w-110 space-y-3" data-testid="preferences" onSubmit={(event) => void save(event)}>
        <SelectField label={say("profile.risk")} data-testid="preferences-risk" value={draft.risk} onChange={(event) => setDraft({ ...draft, risk: event.target.value as RiskAppetite | "" })}>
          <option value="">{say("profile.unsaid")}</option>
          {APPETITES.map((name) => <option key={name} value={name}>{word(say, "risk", name)}</option>)}
        </SelectField>
        <Checks legend={say("profile.assets")} options={CLASSES.map((value) => ({ value, text: word(say, "asset", value) }))} chosen={draft.classes} onChange={(classes) => setDraft({ ...draft, classes })} />
        <TextField
          label={say("preferences.symbols")}
          data-testid="preferences-symbols"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={400}
          value={draft.symbols}
          help={say("preferences.symbols.help", { n: String(ASSETS_MAX) })}
          wrong={many ? say("preferences.many", { n: String(ASSETS_MAX) }) : wrongField(error, "preferred_assets", language)}
          onChange={(event) => setDraft({ ...draft, symbols: event.target.value })}
        />
        <p className="text-xs text-ink-3">{say("preferences.help")}</p>
        {error !== null && <Fault told={explainFault(error, language)} />}
        <Button type="submit" data-testid="preferences-save" disabled={busy || many || change === null}>{say("preferences.save")}</Button>
      </form>
    </Card>
  );
}

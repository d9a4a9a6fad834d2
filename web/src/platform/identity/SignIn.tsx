import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import type { Api, Problem } from "../../api/client";
import type { Mfa, SignedIn } from "../../api/types";
import { useSettings } from "../../app/settings";
import { Button } from "../../ui/Button";
import { signIn } from "../api/identity";
import { explainFault, wrongField } from "../fault";
import { looksLikeEmail, passwordLacks, readPhone } from "../forms";
import { useSay } from "../i18n";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { SecondFactor } from "./SecondFactor";

type Mode = "in" | "register" | "forgot" | "reset" | "first";

interface Props {
  api: Api;
  /** What a provider's sign-in left to do. */
  mfa: Mfa | null;
  /** Why the session before ended. */
  ended: Problem | string | null;
  onSignedIn: (answer: SignedIn) => void;
}

/** Signing in as a person: password, then what the account asks for besides. */
export default function SignIn({ api, mfa: pending, ended, onSignedIn }: Props) {
  const say = useSay();
  const { language } = useSettings();
  const [mode, setMode] = useState<Mode>("in");
  const [mfa, setMfa] = useState<Mfa | null>(pending);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [name, setName] = useState("");
  const [phone, setPhone] = useState("");
  const [code, setCode] = useState("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [told, setTold] = useState<string | null>(null);

  const took = (answer: SignedIn) => (answer.mfa ? setMfa(answer.mfa) : onSignedIn(answer));
  const turn = (next: Mode) => (setMode(next), setError(null), setTold(null), setCode(""));
  const work: Record<Mode, () => Promise<void>> = {
    in: async () => took(await signIn.login(api, email.trim(), password)),
    register: async () => took(await signIn.register(api, { email: email.trim(), password, name: name.trim(), phone: readPhone(phone) ?? phone, locale: language })),
    first: async () => took(await signIn.firstAdministrator(api, { secret: secret.trim(), email: email.trim(), password, name: name.trim(), phone: readPhone(phone) ?? phone })),
    forgot: async () => {
      await signIn.forgot(api, email.trim());
      turn("reset");
      setPassword("");
      setTold(say("signin.sent"));
    },
    reset: async () => {
      await signIn.reset(api, email.trim(), code.trim(), password);
      turn("in");
      setPassword("");
      setTold(say("signin.reset.done"));
    },
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    setTold(null);
    void work[mode]()
      .catch((caught: unknown) => setError(caught))
      .finally(() => setBusy(false));
  };

  if (mfa) return <SecondFactor api={api} mfa={mfa} onSignedIn={onSignedIn} onBack={() => (setMfa(null), setPassword(""))} />;
  const makes = mode === "register" || mode === "first";
  const lacks = mode === "in" || mode === "forgot" ? [] : passwordLacks(password, email);
  const ready =
    looksLikeEmail(email) &&
    (mode === "forgot" || (mode === "in" ? password !== "" : lacks.length === 0)) &&
    (!makes || (name.trim() !== "" && readPhone(phone) !== null)) &&
    (mode !== "reset" || code.trim() !== "") &&
    (mode !== "first" || secret.trim() !== "");
  return (
    <form data-testid="sign-in" onSubmit={submit} className="space-y-3">
      <h1 className="text-md font-semibold">{say(`signin.${mode}`)}</h1>
      {ended && error === null && <p role="status" data-testid="ended" className="rounded-md border border-warn/60 p-2 text-xs">{typeof ended === "string" ? ended : explainFault(ended, language).text}</p>}
      {mode === "first" && <p className="text-xs text-ink-3">{say("signin.first.help")}</p>}
      {mode === "first" && <TextField label={say("signin.first.secret")} type="password" autoComplete="off" value={secret} onChange={(event) => setSecret(event.target.value)} />}
      {makes && <TextField label={say("signin.name")} autoComplete="name" maxLength={120} value={name} wrong={wrongField(error, "name", language)} onChange={(event) => setName(event.target.value)} />}
      <TextField label={say("signin.email")} type="email" autoComplete="username" autoFocus value={email} wrong={wrongField(error, "email", language)} onChange={(event) => setEmail(event.target.value)} />
      {makes && <TextField label={say("signin.phone")} type="tel" autoComplete="tel" value={phone} help={say("signin.phone.help")} wrong={wrongField(error, "phone", language)} onChange={(event) => setPhone(event.target.value)} />}
      {mode === "reset" && <TextField label={say("signin.code")} inputMode="numeric" autoComplete="one-time-code" value={code} wrong={wrongField(error, "code", language)} onChange={(event) => setCode(event.target.value)} />}
      {mode !== "forgot" && (
        <TextField
          label={say(mode === "in" ? "signin.password" : "signin.password.new")}
          type="password"
          autoComplete={mode === "in" ? "current-password" : "new-password"}
          value={password}
          wrong={wrongField(error, "password", language)}
          help={password !== "" && lacks.length > 0 ? say("password.lacks", { what: lacks.map((rule) => say(`password.${rule}`)).join(", ") }) : undefined}
          onChange={(event) => setPassword(event.target.value)}
        />
      )}
      {error !== null && <Fault told={explainFault(error, language)} />}
      {told && <p role="status" className="rounded-md border border-ok/60 p-2 text-xs">{told}</p>}
      <Button type="submit" tone="primary" size="lg" className="w-full" disabled={!ready || busy}>{say(`signin.${mode}.do`)}</Button>
      {mode === "in" && <Providers api={api} />}
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
        {mode !== "in" && <Turn onClick={() => turn("in")}>{say("signin.in")}</Turn>}
        {mode === "in" && <Turn onClick={() => turn("forgot")}>{say("signin.forgot")}</Turn>}
        {mode === "in" && <Turn onClick={() => turn("register")}>{say("signin.register")}</Turn>}
        {mode === "in" && <Turn onClick={() => turn("first")}>{say("signin.first")}</Turn>}
      </p>
    </form>
  );
}

/** Other houses whose sign-in is taken; none unless the house set them up. */
function Providers({ api }: { api: Api }) {
  const say = useSay();
  const [providers, setProviders] = useState<{ name: string; title: string }[]>([]);
  useEffect(() => {
    // Without an answer the way by password stands all the same.
    signIn.providers(api).then(setProviders, () => undefined);
  }, [api]);
  return providers.map(({ name, title }) => (
    <a key={name} href={`/api/v1/auth/oidc/${encodeURIComponent(name)}/start`} className="flex h-10 items-center justify-center rounded-md border border-edge text-sm font-semibold hover:bg-hover">
      {say("signin.with", { name: title })}
    </a>
  ));
}

function Turn({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" onClick={onClick} className="text-ink-2 underline underline-offset-2 hover:text-ink">
      {children}
    </button>
  );
}

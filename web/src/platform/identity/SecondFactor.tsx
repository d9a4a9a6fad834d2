import { useState, type FormEvent } from "react";
import type { Api } from "../../api/client";
import type { Mfa, MfaMethod, SignedIn } from "../../api/types";
import { MFA_METHODS } from "../../app/start";
import { useSettings } from "../../app/settings";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { signIn } from "../api/identity";
import { explainFault } from "../fault";
import { readCode } from "../forms";
import { useSay } from "../i18n";
import { Fault } from "../ui/Fault";
import { TextField } from "../ui/Field";
import { canPasskey, provePasskey } from "./passkey";

interface Props {
  api: Api;
  mfa: Mfa;
  onSignedIn: (answer: SignedIn) => void;
  onBack: () => void;
  /** Within a page that has its name already; left out = it is the page. */
  inside?: boolean;
}

/** The second step: a code or a key, by whichever way the account has. */
export function SecondFactor({ api, mfa, onSignedIn, onBack, inside = false }: Props) {
  const say = useSay();
  const { language } = useSettings();
  const methods = MFA_METHODS.filter((method) => mfa.methods.includes(method) && (method !== "passkey" || canPasskey()));
  const [method, setMethod] = useState<MfaMethod>(methods.includes("totp") ? "totp" : (methods[0] ?? "recovery"));
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [told, setTold] = useState<string | null>(null);
  const typed = method === "recovery" ? code.trim() || null : readCode(code);

  const run = (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    setTold(null);
    void work()
      .catch((caught: unknown) => setError(caught))
      .finally(() => setBusy(false));
  };
  const verify = (proof: Parameters<typeof signIn.verify>[3]) => async () => {
    const answer = await signIn.verify(api, mfa.challenge, method, proof);
    onSignedIn(answer);
  };
  const withPasskey = async () => {
    const { options } = await signIn.passkey(api, mfa.challenge);
    const credential = await provePasskey(options);
    if (credential) await verify({ credential })();
    else setTold(say("mfa.declined"));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    if (method === "passkey") run(withPasskey);
    else if (typed !== null) run(verify({ code: typed }));
  };
  const sends = method === "email" || method === "sms" ? method : null;
  return (
    <form data-testid="second-factor" onSubmit={submit} className="space-y-3">
      {!inside && <h1 className="text-md font-semibold">{say("mfa.title")}</h1>}
      {methods.length > 1 && <Segmented label={say("mfa.way")} value={method} options={methods.map((one) => ({ value: one, text: say(`mfa.${one}`) }))} onChange={(next) => (setMethod(next), setCode(""), setError(null))} className="flex-wrap" />}
      {method !== "passkey" && (
        <TextField
          key={method}
          label={say(method === "recovery" ? "mfa.recovery.code" : "mfa.code")}
          help={say(`mfa.${method}.help`)}
          inputMode={method === "recovery" ? "text" : "numeric"}
          autoComplete="one-time-code"
          autoFocus
          data-testid="mfa-code"
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
      )}
      {method === "passkey" && <p className="text-sm text-ink-2">{say("mfa.passkey.help")}</p>}
      {sends && <Button size="sm" disabled={busy} onClick={() => run(async () => (await signIn.send(api, mfa.challenge, sends), setTold(say("signin.sent"))))}>{say("mfa.send")}</Button>}
      {error !== null && <Fault told={explainFault(error, language)} />}
      {told && <p role="status" className="text-xs text-ink-2">{told}</p>}
      <Button type="submit" tone="primary" size="lg" className="w-full" disabled={busy || (method !== "passkey" && typed === null)}>{say(method === "passkey" ? "mfa.passkey.do" : "mfa.do")}</Button>
      <button type="button" onClick={onBack} className="text-xs text-ink-2 underline underline-offset-2 hover:text-ink">{say(inside ? "cancel" : "mfa.back")}</button>
    </form>
  );
}

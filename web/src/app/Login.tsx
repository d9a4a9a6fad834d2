import { lazy, Suspense, useId, useState } from "react";
import type { Api, Problem } from "../api/client";
import type { Mfa, SignedIn } from "../api/types";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Guard } from "../ui/Panel";
import { changeSettings, useSettings, useTranslate } from "./settings";

/** The part for people comes by itself: the secret's part works without it. */
const SignIn = lazy(() => import("../platform/identity/SignIn"));

interface Props {
  api: Api;
  state: "out" | "wrong" | "unreachable";
  /** Why the session before ended. */
  ended: Problem | string | null;
  mfa: Mfa | null;
  onSubmit: (secret: string) => Promise<void>;
  onSignedIn: (answer: SignedIn) => void;
}

/** Two ways in: as a person, and with the secret that the server printed at its first start. */
export function Login({ api, state, ended, mfa, onSubmit, onSignedIn }: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  return (
    <main className="grid min-h-full place-items-center p-4">
      <div className="w-full max-w-90 rounded-xl border border-line bg-panel p-6 shadow-[var(--shadow)]">
        <div className="mb-6 flex items-center gap-3">
          <img src="/siaga.svg" alt="" width={36} height={36} />
          <div>
            <p className="text-lg font-semibold tracking-tight">Siaga</p>
            <p className="text-xs text-ink-3">{t("app.tagline")}</p>
          </div>
          <button type="button" aria-label={`${language === "en" ? "ID" : "EN"}, ${t("top.language")}`} className="ml-auto self-start rounded px-1.5 py-0.5 text-xs text-ink-3 hover:text-ink" onClick={() => changeSettings({ language: language === "en" ? "id" : "en" })}>
            {language === "en" ? "ID" : "EN"}
          </button>
        </div>
        <Guard name={t("login.title")}>
          <Suspense fallback={<div aria-busy="true" className="h-66" />}>
            <SignIn api={api} mfa={mfa} ended={ended} onSignedIn={onSignedIn} />
          </Suspense>
        </Guard>
        <SecretForm state={state} onSubmit={onSubmit} />
      </div>
    </main>
  );
}

/** The secret of the first start: it opens the desk until people have names. */
function SecretForm({ state, onSubmit }: Pick<Props, "state" | "onSubmit">) {
  const t = useTranslate();
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const id = useId();
  const fault = state === "wrong" ? t("login.wrong") : state === "unreachable" ? t("login.unreachable") : null;
  return (
    <form
      className="mt-6 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        void onSubmit(secret.trim()).finally(() => setBusy(false));
      }}
    >
      <label htmlFor={id} className="label mb-1 block">{t("login.secret")}</label>
      <input id={id} className="field h-10" type="password" autoComplete="off" value={secret} onChange={(event) => setSecret(event.target.value)} aria-describedby={`${id}-help`} />
      <p id={`${id}-help`} className="mt-1.5 text-xs text-ink-3">{t("login.help")}</p>
      {fault && (
        <p role="alert" className="mt-3 flex gap-2 rounded-md border border-crit/60 p-2 text-xs text-ink">
          <Icon name="alert" className="text-crit" />
          {fault}
        </p>
      )}
      <Button type="submit" size="lg" className="mt-3 w-full" disabled={secret.trim() === "" || busy}>{t("login.submit")}</Button>
    </form>
  );
}

import { useId, useState } from "react";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { changeSettings, useSettings, useTranslate } from "./settings";

/** Until people have names: the secret that the server printed. */
export function Login({ state, onSubmit }: { state: "out" | "wrong" | "unreachable"; onSubmit: (secret: string) => Promise<void> }) {
  const t = useTranslate();
  const { language } = useSettings();
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const id = useId();
  const fault = state === "wrong" ? t("login.wrong") : state === "unreachable" ? t("login.unreachable") : null;
  return (
    <main className="grid min-h-full place-items-center p-4">
      <form
        className="w-full max-w-90 rounded-xl border border-line bg-panel p-6 shadow-[var(--shadow)]"
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          void onSubmit(secret.trim()).finally(() => setBusy(false));
        }}
      >
        <div className="mb-6 flex items-center gap-3">
          <img src="/siaga.svg" alt="" width={36} height={36} />
          <div>
            <p className="text-lg font-semibold tracking-tight">Siaga</p>
            <p className="text-xs text-ink-3">{t("app.tagline")}</p>
          </div>
          <button type="button" className="ml-auto self-start rounded px-1.5 py-0.5 text-xs text-ink-3 hover:text-ink" onClick={() => changeSettings({ language: language === "en" ? "id" : "en" })}>
            {language === "en" ? "ID" : "EN"}
          </button>
        </div>
        <h1 className="mb-3 text-md font-semibold">{t("login.title")}</h1>
        <label htmlFor={id} className="label mb-1 block">{t("login.secret")}</label>
        <input id={id} className="field h-10" type="password" autoComplete="current-password" autoFocus value={secret} onChange={(event) => setSecret(event.target.value)} aria-describedby={`${id}-help`} />
        <p id={`${id}-help`} className="mt-1.5 text-xs text-ink-3">{t("login.help")}</p>
        {fault && (
          <p role="alert" className="mt-3 flex gap-2 rounded-md border border-crit/60 p-2 text-xs text-ink">
            <Icon name="alert" className="text-crit" />
            {fault}
          </p>
        )}
        <Button type="submit" tone="primary" size="lg" className="mt-5 w-full" disabled={secret.trim() === "" || busy}>{t("login.submit")}</Button>
      </form>
    </main>
  );
}

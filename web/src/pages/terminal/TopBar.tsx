import type { ReactNode } from "react";
import type { Desk, Scenario, Traded } from "../../api/types";
import { explainProblem } from "../../app/trading";
import { goTo } from "../../app/place";
import { useServices } from "../../app/services";
import { changeSettings, useSettings, useTranslate } from "../../app/settings";
import { toast } from "../../app/toasts";
import { IconButton } from "../../ui/Button";
import { StatePill } from "./StatePill";

export const SCENARIOS: readonly Scenario[] = ["calm", "trend", "news_spike", "flash_crash", "gap", "mute_feed", "bad_ticks", "weekend"];

interface Props {
  accounts: readonly { id: number; text: string }[];
  account: Pick<Traded, "id" | "leverage" | "accounting" | "state"> | null;
  /** The account's group, where it is told. */
  group?: string;
  /** What is not real here; nothing where all is. */
  demo: string | null;
  /** What drives a simulated market. */
  market?: ReactNode;
  wide: boolean;
  /** Opens the commands, where there are any. */
  onPalette?: () => void;
  /** Opens the other pages, where there are any for this person. */
  onPages?: () => void;
  onSignOut: () => void;
}

export function TopBar({ accounts, account, group, demo, market, wide, onPalette, onPages, onSignOut }: Props) {
  const t = useTranslate();
  const { theme, language } = useSettings();
  return (
    <header className="flex h-13 shrink-0 items-center gap-2 border-b border-line bg-panel px-2 wide:h-11 wide:px-3">
      {wide && <img src="/siaga.svg" alt="" width={24} height={24} />}
      {wide && <h1 className="text-md font-semibold tracking-tight">Siaga</h1>}
      {demo !== null && (
        <span data-testid="demo" title={demo} className="hatch rounded border border-warn/70 px-1.5 py-px text-2xs font-bold tracking-widest text-warn">
          {t("app.demo")}
        </span>
      )}
      <select aria-label={t("top.account")} className="menu h-11 min-w-0 flex-1 font-medium wide:h-7 wide:max-w-68 wide:flex-none" value={account?.id ?? ""} onChange={(event) => goTo({ account: Number(event.target.value) })}>
        {accounts.map((row) => (
          <option key={row.id} value={row.id}>{row.text}</option>
        ))}
      </select>
      {wide && account && (
        <span className="flex items-center gap-1.5 text-2xs text-ink-3">
          {group !== undefined && <><span>{group}</span><span aria-hidden>·</span></>}
          <span>{t("account.leverage", { n: account.leverage })}</span>
          <span aria-hidden>·</span>
          <span>{t(account.accounting === "netting" ? "account.netting" : "account.hedging")}</span>
        </span>
      )}
      {account && <StatePill state={account.state} />}
      <div className="ml-auto flex items-center gap-1">
        {market}
        {wide && (
          <>
            <button type="button" aria-label={`${language.toUpperCase()}, ${t("top.language")}`} title={t("top.language")} data-testid="language" onClick={() => changeSettings({ language: language === "en" ? "id" : "en" })} className="h-7 rounded-md px-1.5 text-xs font-semibold text-ink-2 hover:bg-hover hover:text-ink">
              {language === "en" ? "EN" : "ID"}
            </button>
            <IconButton icon={theme === "dark" ? "sun" : "moon"} data-testid="theme" name={t(theme === "dark" ? "top.theme.light" : "top.theme.dark")} onClick={() => changeSettings({ theme: theme === "dark" ? "light" : "dark" })} />
          </>
        )}
        {!onPalette ? null : wide ? (
          <button type="button" aria-label={`Ctrl K ${t("top.palette")}`} onClick={onPalette} className="flex h-7 items-center gap-1.5 rounded-md px-1.5 text-xs text-ink-2 hover:bg-hover hover:text-ink">
            <kbd className="rounded border border-edge px-1 font-sans text-2xs">Ctrl K</kbd>
          </button>
        ) : (
          // Language, colours, scenarios and the way out stand in here: a phone's bar has no room for them.
          <IconButton icon="search" name={t("top.palette")} className="!size-11" size={20} onClick={onPalette} />
        )}
        {(wide || !onPalette) && onPages && <IconButton icon="menu" data-testid="pages" className="!size-11 wide:!size-7" name={t("top.pages")} onClick={onPages} />}
        {(wide || !onPalette) && <IconButton icon="exit" className="!size-11 wide:!size-7" name={t("top.signout")} onClick={onSignOut} />}
      </div>
    </header>
  );
}

/** Drives the simulated market; only a demo has it. */
export function ScenarioSwitch({ desk, symbol }: { desk: Desk; symbol: string | null }) {
  const t = useTranslate();
  const run = useScenario();
  const now = SCENARIOS.find((scenario) => scenario === desk.scenario);
  return (
    <select data-testid="scenario" aria-label={t("top.scenario")} title={t("top.scenario")} className="menu" value={now ?? ""} onChange={(event) => run(event.target.value as Scenario, symbol)}>
      {!now && <option value="">{t("top.scenario")}</option>}
      {SCENARIOS.map((scenario) => (
        <option key={scenario} value={scenario}>{t(`scenario.${scenario}`)}</option>
      ))}
    </select>
  );
}

export function useScenario(): (scenario: Scenario, symbol: string | null) => void {
  const { api } = useServices();
  const t = useTranslate();
  const { language } = useSettings();
  return (scenario, symbol) =>
    void api.setScenario(scenario, symbol ?? undefined).then(
      () => toast("ok", t("scenario.done", { name: t(`scenario.${scenario}`) })),
      (error: unknown) => toast("bad", explainProblem(error, t, language).text),
    );
}

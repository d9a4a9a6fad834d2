import { useState } from "react";
import type { Account, Desk, Position } from "../../api/types";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatDecimal, signOf } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { SideTag } from "./SideTag";
import { byPerson, keepConfirmed, readConfirmed, symbolsOf, unconfirmed, waiting } from "./halts";

interface Props {
  desk: Desk | undefined;
  account: Account | undefined;
  /** Grows when the banner asks for the alarm again. */
  shown: number;
  onResume: (symbol: string) => void;
}

/** Pauses the trading screen when an instrument is halted; the positions in it can be closed from here. */
export function VolatilityAlarm({ desk, account, shown, onResume }: Props) {
  const t = useTranslate();
  const halts = desk?.halts ?? [];
  const [confirmed, setConfirmed] = useState<ReadonlySet<string>>(() => readConfirmed(localStorage));
  const [asked, setAsked] = useState(0);
  const confirm = () => {
    setConfirmed(keepConfirmed(localStorage, halts));
    setAsked(shown);
  };
  const open = halts.length > 0 && (unconfirmed(halts, confirmed).length > 0 || shown > asked);
  const held = (account?.positions ?? []).filter((position) => halts.some((halt) => halt.symbol === position.symbol));
  const needed = byPerson(halts);
  const now = waiting(halts);
  return (
    <Dialog open={open} onClose={confirm} label={t("vol.title")} shape="alarm" role="alertdialog">
      <div data-testid="volatility-alarm" className="flex max-h-[calc(100dvh-28px)] flex-col">
        <header className="flex items-center gap-3 bg-emergency px-5 py-4 text-white">
          <Icon name="alert" size={26} />
          <h2 className="text-lg font-semibold tracking-tight">{t("vol.title")}</h2>
        </header>
        <div className="scroll min-h-0 space-y-3 p-5">
          <p className="text-md font-medium">{t("vol.body", { symbols: symbolsOf(halts) })}</p>
          <ul className="space-y-1 text-sm text-ink-2">
            {(["vol.rule1", "vol.rule2", "vol.rule3"] as const).map((rule) => (
              <li key={rule} className="flex gap-2"><Icon name={rule === "vol.rule3" ? "check" : "lock"} size={14} className={`mt-0.5 ${rule === "vol.rule3" ? "text-ok" : "text-crit"}`} />{t(rule)}</li>
            ))}
          </ul>
          {needed.length > 0 && (
            <div data-testid="alarm-waits" className="flex flex-wrap items-center gap-2 rounded-md border border-warn/60 px-3 py-2 text-sm">
              <p className="min-w-0 flex-1">{now.length > 0 ? t("halt.waits", { symbols: symbolsOf(now) }) : t("halt.byPerson", { symbols: symbolsOf(needed) })}</p>
              {needed.map((halt) => (
                <Button key={halt.symbol} size="sm" data-testid="alarm-resume" onClick={() => (confirm(), onResume(halt.symbol))}>{needed.length > 1 ? t("halt.resumeShort", { symbol: halt.symbol }) : t("halt.resume")}</Button>
              ))}
            </div>
          )}
          <h3 className="label pt-1">{held.length > 0 ? t("vol.held") : t("vol.heldNone")}</h3>
          {account && held.length > 0 && (
            <ul className="divide-y divide-line rounded-md border border-line">
              {held.map((position) => (
                <Held key={position.id} position={position} account={account} />
              ))}
            </ul>
          )}
        </div>
        <footer className="border-t border-line p-4">
          <Button tone="primary" size="lg" className="w-full" data-testid="alarm-continue" data-first-focus onClick={confirm}>{t("vol.continue")}</Button>
        </footer>
      </div>
    </Dialog>
  );
}

function Held({ position, account }: { position: Position; account: Account }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { close } = useTrading(account.id);
  const [busy, setBusy] = useState(false);
  const sign = signOf(position.unrealised);
  return (
    <li className="flex items-center gap-2 px-3 py-2 text-sm">
      <span className="font-semibold">{position.symbol}</span>
      <SideTag side={position.side} qty={position.qty} />
      <span className={`ml-auto font-semibold ${sign > 0 ? "text-up" : sign < 0 ? "text-down" : ""}`}>{formatDecimal(position.unrealised, language, { sign: true })} <span className="text-2xs font-normal text-ink-3">{account.currency}</span></span>
      <Button
        size="sm"
        disabled={busy || position.covered === position.qty}
        aria-label={t("positions.closeOf", { side: t(`side.${position.side}`), qty: formatDecimal(position.qty, language), symbol: position.symbol })}
        onClick={() => {
          setBusy(true);
          void close(position).finally(() => setBusy(false));
        }}
      >
        {t("positions.close")}
      </Button>
    </li>
  );
}

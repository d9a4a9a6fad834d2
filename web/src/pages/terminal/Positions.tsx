import { Fragment, useState, type ReactNode } from "react";
import type { Position, Traded } from "../../api/types";
import { goTo } from "../../app/place";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatDecimal, signOf, trimZeros } from "../../format/decimal";
import { Button, IconButton } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { useWide } from "../../ui/media";
import { PositionEditor, type EditorMode } from "./PositionEditor";
import { SideTag } from "./SideTag";
import { ruleText } from "./ruleText";

type WithPositions = Pick<Traded, "id" | "currency" | "positions">;

/** Open positions; closing is one press away in every state that allows it. */
export function Positions({ account }: { account: WithPositions }) {
  const t = useTranslate();
  const wide = useWide();
  const [open, setOpen] = useState<{ id: number; mode: EditorMode } | null>(null);
  if (account.positions.length === 0) return <Empty icon="layers" title={t("positions.empty")} help={t("positions.emptyHelp")} />;
  const toggle = (id: number, mode: EditorMode) => setOpen(open?.id === id && open.mode === mode ? null : { id, mode });
  const editor = (position: Position) => open?.id === position.id && <PositionEditor key={open.mode} account={account} position={position} mode={open.mode} onDone={() => setOpen(null)} />;
  if (!wide) {
    return (
      <ul data-testid="positions">
        {account.positions.map((position) => (
          <li key={position.id} data-position={position.id} className="border-b border-line px-3 py-2">
            <Card position={position} account={account} onToggle={toggle} />
            {editor(position)}
          </li>
        ))}
      </ul>
    );
  }
  return (
    <table className="table w-full" data-testid="positions">
      <caption className="sr-only">{t("positions.title")}</caption>
      <thead>
        <tr>
          <th scope="col" className="!pl-3">{t("positions.symbol")}</th>
          <th scope="col" className="n">{t("positions.open")}</th>
          <th scope="col" className="n">{t("positions.now")}</th>
          <th scope="col" className="n">{t("positions.profit")} <span className="text-ink-3">{account.currency}</span></th>
          <th scope="col" className="n">{t("positions.protect")}</th>
          <th scope="col" className="n">{t("positions.stopAt")}</th>
          <th scope="col" className="n hidden huge:table-cell">{t("positions.callAt")}</th>
          <th scope="col" className="n hidden huge:table-cell">{t("positions.margin")} <span className="text-ink-3">{account.currency}</span></th>
          <th scope="col" className="n hidden huge:table-cell">{t("positions.swap")}</th>
          <th scope="col"><span className="sr-only">{t("positions.actions")}</span></th>
        </tr>
      </thead>
      <tbody>
        {account.positions.map((position) => (
          <Fragment key={position.id}>
            <Row position={position} account={account} onToggle={toggle} />
            {open?.id === position.id && (
              <tr className="bg-raised/60">
                <td colSpan={10} className="!px-3 pb-2">{editor(position)}</td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  position: Position;
  account: WithPositions;
  onToggle: (id: number, mode: EditorMode) => void;
}

function usePriceText() {
  const { language } = useSettings();
  return (value: string | null) => formatDecimal(value, language);
}

/** Where the venue's liquidation price is, for accounts at mark price. */
function useLiquidationText() {
  const t = useTranslate();
  const { language } = useSettings();
  const price = usePriceText();
  return ({ liquidation }: Position) => liquidation && t("positions.liquidation", { price: price(liquidation.price), rate: `${formatDecimal(trimZeros(liquidation.rate_pct), language)} %` });
}

function Row({ position, account, onToggle }: RowProps) {
  const t = useTranslate();
  const { language } = useSettings();
  const liquidation = useLiquidationText()(position);
  const rule = position.rule ? ruleText(position.rule, t, language) : undefined;
  const price = usePriceText();
  const sign = signOf(position.unrealised);
  return (
    <tr data-position={position.id} className="h-8 border-b border-line/60 hover:bg-hover">
      <td className="!pl-3">
        <span className="flex items-center gap-1.5">
          <button type="button" className="font-semibold hover:underline" onClick={() => goTo({ symbol: position.symbol })}>{position.symbol}</button>
          <SideTag side={position.side} qty={position.qty} />
          {position.halted && <Halted />}
        </span>
      </td>
      <td className="n text-ink-2"><Steady ch={8}>{price(position.open_price)}</Steady></td>
      <td className="n"><Steady ch={8}>{price(position.close_price)}</Steady></td>
      <td className={`n font-semibold ${sign > 0 ? "text-up" : sign < 0 ? "text-down" : ""}`} title={account.currency}><Steady ch={9}>{formatDecimal(position.unrealised, language, { sign: true })}</Steady></td>
      <td className="n text-xs text-ink-2">{price(position.stop_loss)} <span className="text-ink-3">/</span> {price(position.take_profit)}</td>
      <td className="n text-xs text-ink-2" title={liquidation ?? undefined}><Steady ch={8}>{price(position.stop_out_at)}</Steady></td>
      <td className="n hidden text-xs text-ink-2 huge:table-cell"><Steady ch={8}>{price(position.warning_at)}</Steady></td>
      <td className="n hidden text-xs text-ink-2 huge:table-cell" title={rule} data-testid="position-rule">
        {formatDecimal(position.margin, language)}
        {position.rule && <span className="ml-1 text-2xs text-ink-3">1:{position.rule.leverage}</span>}
      </td>
      <td className="n hidden text-xs text-ink-2 huge:table-cell">{formatDecimal(position.swap, language, { sign: true })}</td>
      <td className="n !pr-3"><Actions position={position} onToggle={onToggle} account={account} /></td>
    </tr>
  );
}

function Card({ position, account, onToggle }: RowProps) {
  const t = useTranslate();
  const { language } = useSettings();
  const liquidation = useLiquidationText()(position);
  const price = usePriceText();
  const sign = signOf(position.unrealised);
  return (
    <>
      <div className="flex items-center gap-2">
        <button type="button" className="text-md font-semibold" onClick={() => goTo({ symbol: position.symbol, view: "chart" })}>{position.symbol}</button>
        <SideTag side={position.side} qty={position.qty} />
        {position.halted && <Halted />}
        <span className={`ml-auto text-md font-semibold ${sign > 0 ? "text-up" : sign < 0 ? "text-down" : ""}`}>{formatDecimal(position.unrealised, language, { sign: true })} <span className="text-2xs font-normal text-ink-3">{account.currency}</span></span>
      </div>
      <div className="mt-1 flex items-end gap-2 text-xs text-ink-2">
        <dl className="grid flex-1 grid-cols-[auto_1fr] gap-x-2">
          <dt className="text-ink-3">{t("positions.open")} → {t("positions.now")}</dt>
          <dd>{price(position.open_price)} → {price(position.close_price)}</dd>
          <dt className="text-ink-3">{t("positions.protect")}</dt>
          <dd>{price(position.stop_loss)} / {price(position.take_profit)}</dd>
          <dt className="text-ink-3">{t("positions.stopAt")}</dt>
          <dd>{price(position.stop_out_at)}</dd>
          {liquidation && <dd className="col-span-2">{liquidation}</dd>}
          {position.rule && (
            <>
              <dt className="text-ink-3">{t("positions.rule")}</dt>
              <dd>{ruleText(position.rule, t, language)}</dd>
            </>
          )}
        </dl>
        <Actions position={position} onToggle={onToggle} account={account} big />
      </div>
    </>
  );
}

/** As wide as its widest usual figure: a digit more or less moves no column. */
function Steady({ ch, children }: { ch: number; children: ReactNode }) {
  return <span className="inline-block text-right" style={{ minWidth: `${ch}ch` }}>{children}</span>;
}

function Halted() {
  const t = useTranslate();
  return <span className="text-2xs font-semibold text-warn" data-testid="position-halted">{t("positions.halted")}</span>;
}

function Actions({ position, onToggle, account, big }: RowProps & { big?: boolean }) {
  const t = useTranslate();
  const { language } = useSettings();
  const { close } = useTrading(account.id);
  const [busy, setBusy] = useState(false);
  const qty = formatDecimal(position.qty, language);
  const covered = signOf(position.covered) > 0;
  return (
    <span className="live inline-flex items-center gap-1">
      {covered && <span className="text-2xs text-warn">{t("positions.closing", { qty: formatDecimal(position.covered, language) })}</span>}
      <IconButton icon="edit" size={13} className={big ? "size-8" : "!size-6"} name={t("positions.edit", { symbol: position.symbol })} onClick={() => onToggle(position.id, "protect")} />
      <span className="inline-flex">
        <Button
          size={big ? "md" : "sm"}
          className="!rounded-r-none"
          disabled={busy || (covered && position.covered === position.qty)}
          aria-label={t("positions.closeOf", { side: t(`side.${position.side}`), qty, symbol: position.symbol })}
          onClick={() => {
            setBusy(true);
            void close(position).finally(() => setBusy(false));
          }}
        >
          {t("positions.close")}
        </Button>
        <Button size={big ? "md" : "sm"} className="-ml-px !rounded-l-none !px-1" aria-label={t("positions.closeQty")} title={t("positions.closeQty")} onClick={() => onToggle(position.id, "close")}>
          <span aria-hidden className="text-2xs">½</span>
        </Button>
      </span>
    </span>
  );
}

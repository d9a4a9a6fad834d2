import { useRef, useState } from "react";
import type { Instrument } from "../../api/types";
import { goTo, usePlace } from "../../app/place";
import { useTranslate } from "../../app/settings";
import { Icon } from "../../ui/Icon";
import { Empty } from "../../ui/Panel";
import { WatchRow } from "./WatchRow";

type Class = Instrument["class"] | "all";
const CLASSES: readonly Class[] = ["all", "forex", "metal", "energy", "index", "crypto"];

/** Every instrument with its price, its age and where it has been. */
export function Watch({ instruments, selected }: { instruments: Instrument[] | undefined; selected: string | null }) {
  const t = useTranslate();
  const { view } = usePlace();
  const [text, setText] = useState("");
  const [only, setOnly] = useState<Class>("all");
  const body = useRef<HTMLTableSectionElement>(null);
  const wanted = text.trim().toLowerCase();
  const shown = (instruments ?? []).filter((one) => (only === "all" || one.class === only) && (!wanted || `${one.symbol} ${one.symbol.replace("/", "")} ${one.name} ${one.class}`.toLowerCase().includes(wanted)));
  const choose = (symbol: string, open: boolean) => goTo({ symbol, ...(open && view === "market" ? { view: "chart" } : {}) });
  const move = (by: number) => {
    const at = shown.findIndex((one) => one.symbol === selected);
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))];
    if (!next) return;
    choose(next.symbol, false);
    body.current?.querySelector<HTMLElement>(`[data-symbol="${CSS.escape(next.symbol)}"] button`)?.focus();
  };
  return (
    <>
      <div className="flex h-9 shrink-0 items-center gap-2 border-b border-line px-3">
        <Icon name="search" size={14} className="text-ink-3" />
        <input aria-label={t("watch.search")} placeholder={t("watch.search")} value={text} onChange={(event) => setText(event.target.value)} className="h-7 min-w-0 flex-1 bg-transparent text-sm outline-none" />
        <span className="text-2xs text-ink-3">{shown.length || ""}</span>
      </div>
      <div role="group" aria-label={t("watch.class")} className="flex h-8 shrink-0 items-center gap-0.5 border-b border-line px-2">
        {CLASSES.filter((one) => one === "all" || instruments?.some((instrument) => instrument.class === one)).map((one) => (
          <button key={one} type="button" aria-pressed={only === one} onClick={() => setOnly(one)} className={`h-6 flex-auto rounded px-1 text-2xs font-medium ${only === one ? "bg-raised text-ink" : "text-ink-3 hover:text-ink"}`}>
            {t(`class.${one}`)}
          </button>
        ))}
      </div>
      {instruments && shown.length === 0 ? (
        <Empty icon="search" title={wanted ? t("watch.empty", { text }) : t("watch.none")} />
      ) : (
        <div className="scroll min-h-0 flex-1">
          <table className="w-full table-fixed border-collapse" data-testid="watch">
            <caption className="sr-only">{t("watch.title")}</caption>
            <thead>
              <tr className="[&>th]:label [&>th]:sticky [&>th]:top-0 [&>th]:z-10 [&>th]:bg-panel [&>th]:py-1">
                <th scope="col" className="pl-3 text-left">{t("watch.symbol")}</th>
                <th scope="col" className="w-12"><span className="sr-only">{t("watch.trend")}</span></th>
                <th scope="col" className="w-20 pr-2 text-right">{t("watch.bid")} <span className="text-ink-3">/ {t("watch.day")}</span></th>
                <th scope="col" className="w-22 pr-3 text-right">{t("watch.ask")} <span className="text-ink-3">/ {t("watch.spread")}</span></th>
              </tr>
            </thead>
            <tbody
              ref={body}
              onKeyDown={(event) => {
                if (event.key === "ArrowDown") (event.preventDefault(), move(1));
                if (event.key === "ArrowUp") (event.preventDefault(), move(-1));
              }}
            >
              {shown.map((instrument) => (
                <WatchRow key={instrument.symbol} instrument={instrument} selected={instrument.symbol === selected} onChoose={choose} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

import { useEffect, type ReactNode } from "react";
import { useSettings } from "../../app/settings";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { explainFault } from "../fault";
import { useSay } from "../i18n";

/** A page: its name, what can be done on the whole of it, and what it shows. */
export function Page({ title, aside, children, wide = false, back }: { title: string; aside?: ReactNode; children: ReactNode; wide?: boolean; back?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Siaga`;
  }, [title]);
  return (
    <div className={`mx-auto flex min-h-0 w-full flex-1 flex-col ${wide ? "" : "max-w-280"}`}>
      <header className="flex min-h-12 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 px-3 pt-3 pb-1 wide:px-5">
        {back}
        <h1 tabIndex={-1} data-page-title className="text-lg font-semibold tracking-tight outline-none">{title}</h1>
        <div className="ml-auto flex flex-wrap items-center gap-2">{aside}</div>
      </header>
      {children}
    </div>
  );
}

/** What a page holds, scrolled by itself so that the name stays in sight. */
export function Body({ children, className = "" }: { children: ReactNode; className?: string }) {
  return <div className={`scroll min-h-0 flex-1 space-y-3 px-3 pt-2 pb-6 wide:px-5 ${className}`}>{children}</div>;
}

/** A framed part of a page. */
export function Card({ title, aside, children, className = "", id }: { title?: string; aside?: ReactNode; children: ReactNode; className?: string; id?: string }) {
  return (
    <section id={id} aria-label={title} className={`min-w-0 rounded-lg border border-line bg-panel ${className}`}>
      {title && (
        <header className="flex min-h-9 flex-wrap items-center gap-2 border-b border-line px-3 py-1">
          <h2 className="text-xs font-semibold tracking-wide text-ink-2">{title}</h2>
          <div className="ml-auto flex flex-wrap items-center gap-1.5">{aside}</div>
        </header>
      )}
      <div className="p-3">{children}</div>
    </section>
  );
}

/** What went wrong, what to do, and the way to try it again. */
export function Trouble({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const say = useSay();
  const { language } = useSettings();
  const { text, detail } = explainFault(error, language);
  return (
    <div role="alert" data-testid="trouble" className="flex items-start gap-2 rounded-md border border-crit/60 bg-panel p-2.5 text-sm">
      <Icon name="alert" className="mt-px text-crit" />
      <div className="min-w-0 flex-1">
        <p className="font-semibold break-words">{text}</p>
        {detail && <p className="mt-0.5 text-xs break-words text-ink-2">{detail}</p>}
      </div>
      {onRetry && <Button size="sm" onClick={onRetry}>{say("again")}</Button>}
    </div>
  );
}

/** Holds the place of what is being read. */
export function Wait({ lines = 3 }: { lines?: number }) {
  const say = useSay();
  return (
    <div role="status" aria-busy="true" className="space-y-2">
      <span className="sr-only">{say("wait")}</span>
      {Array.from({ length: lines }, (_, at) => <div key={at} aria-hidden className="h-9 rounded-md bg-raised" />)}
    </div>
  );
}

/** A name and its value, as rows of a list of facts. */
export function Facts({ rows }: { rows: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6rem,auto)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
      {rows.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

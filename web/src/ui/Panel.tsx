import { Component, type ErrorInfo, type ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

/** A framed part of the page. A part that breaks says so in its own place and leaves the rest alone. */
export function Panel({ title, area, aside, children, id, heading = true }: { title: string; area: string; aside?: ReactNode; children: ReactNode; id?: string; heading?: boolean }) {
  return (
    <section id={id} aria-label={title} tabIndex={-1} className={`relative flex min-h-0 min-w-0 flex-col bg-panel outline-none ${area}`}>
      {heading && (
        <header className="flex h-9 shrink-0 items-center gap-2 border-b border-line px-3">
          <h2 className="text-xs font-semibold tracking-wide text-ink-2">{title}</h2>
          <div className="ml-auto flex min-w-0 items-center gap-1.5">{aside}</div>
        </header>
      )}
      <Guard name={title}>{children}</Guard>
    </section>
  );
}

export function Empty({ icon, title, help, children }: { icon: IconName; title: string; help?: string; children?: ReactNode }) {
  return (
    <div className="grid flex-1 place-items-center p-5 text-center">
      <div className="max-w-64">
        <Icon name={icon} size={20} className="mx-auto mb-2 text-ink-3" />
        <p className="text-sm font-medium text-ink-2">{title}</p>
        {help && <p className="mt-1 text-xs text-ink-3">{help}</p>}
        {children}
      </div>
    </div>
  );
}

interface GuardProps {
  name: string;
  children: ReactNode;
}

/** Catches what a part throws while drawing. */
export class Guard extends Component<GuardProps, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error(this.props.name, error, info.componentStack);
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div role="alert" className="m-3 rounded-md border border-crit p-3 text-sm">
        <p className="font-semibold text-crit">{this.props.name}</p>
        <p className="mt-1 text-ink-2">{this.state.error.message}</p>
        <button type="button" className="mt-2 text-xs underline" onClick={() => this.setState({ error: null })}>
          ↻
        </button>
      </div>
    );
  }
}

import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";

interface Shared {
  label: string;
  /** What to write, under the field. */
  help?: ReactNode;
  /** What is wrong with it; read aloud. */
  wrong?: string | null;
}

/** A labelled line of text. */
export function TextField({ label, help, wrong, className = "", ...rest }: Shared & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} wrong={wrong}>
      <input id={id} className={`field h-10 wide:h-8 ${className}`} aria-invalid={wrong ? true : undefined} aria-describedby={help || wrong ? `${id}-said` : undefined} {...rest} />
    </Frame>
  );
}

/** A labelled text of several lines. */
export function TextArea({ label, help, wrong, className = "", ...rest }: Shared & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} wrong={wrong}>
      <textarea id={id} rows={3} className={`field h-auto min-h-16 py-1.5 ${className}`} aria-invalid={wrong ? true : undefined} aria-describedby={help || wrong ? `${id}-said` : undefined} {...rest} />
    </Frame>
  );
}

/** A labelled choice. */
export function SelectField({ label, help, wrong, className = "", children, ...rest }: Shared & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} wrong={wrong}>
      <select id={id} className={`field h-10 wide:h-8 ${className}`} aria-invalid={wrong ? true : undefined} aria-describedby={help || wrong ? `${id}-said` : undefined} {...rest}>{children}</select>
    </Frame>
  );
}

function Frame({ id, label, help, wrong, children }: Shared & { id: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="label mb-1 block">{label}</label>
      {children}
      {(wrong || help) && <p id={`${id}-said`} className={`mt-1 text-xs ${wrong ? "text-crit" : "text-ink-3"}`}>{wrong || help}</p>}
    </div>
  );
}

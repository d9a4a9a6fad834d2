/** One of a few, all in sight. Arrow keys move as in any radio group. */
export function Segmented<T extends string>({ label, value, options, onChange, className = "" }: { label: string; value: T; options: readonly { value: T; text: string }[]; onChange: (value: T) => void; className?: string }) {
  const move = (by: number) => {
    const at = options.findIndex((option) => option.value === value);
    const next = options[(at + by + options.length) % options.length];
    if (next) onChange(next.value);
  };
  return (
    <div
      role="radiogroup"
      aria-label={label}
      className={`flex rounded-md bg-bg p-0.5 ${className}`}
      onKeyDown={(event) => {
        if (event.key === "ArrowRight" || event.key === "ArrowDown") (event.preventDefault(), move(1));
        if (event.key === "ArrowLeft" || event.key === "ArrowUp") (event.preventDefault(), move(-1));
      }}
    >
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          ref={(element) => {
            if (option.value === value && element?.parentElement?.contains(document.activeElement)) element.focus();
          }}
          onClick={() => onChange(option.value)}
          className={`h-6 flex-1 rounded px-1.5 text-xs font-medium whitespace-nowrap ${option.value === value ? "bg-raised text-ink shadow-[0_0_0_1px_var(--line-strong)]" : "text-ink-3 hover:text-ink"}`}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}

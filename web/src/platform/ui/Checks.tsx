interface Props {
  legend: string;
  options: readonly { value: string; text: string }[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

/** Any of a few, all in sight. */
export function Checks({ legend, options, chosen, onChange }: Props) {
  return (
    <fieldset className="min-w-0">
      <legend className="label mb-1">{legend}</legend>
      <div className="grid grid-cols-2 gap-x-3 sm:grid-cols-3">
        {options.map(({ value, text }) => (
          <Check key={value} label={text} checked={chosen.includes(value)} onChange={(on) => onChange(on ? [...chosen, value] : chosen.filter((one) => one !== value))} />
        ))}
      </div>
    </fieldset>
  );
}

/** Yes or no, with its word beside it. */
export function Check({ label, checked, disabled, onChange, ...rest }: { label: string; checked: boolean; disabled?: boolean; onChange: (checked: boolean) => void; "data-testid"?: string }) {
  return (
    <label className="flex min-h-9 items-center gap-2 text-sm wide:min-h-7">
      <input type="checkbox" className="size-4 shrink-0" checked={checked} disabled={disabled} onChange={(event) => onChange(event.target.checked)} {...rest} />
      <span className="min-w-0 break-words">{label}</span>
    </label>
  );
}

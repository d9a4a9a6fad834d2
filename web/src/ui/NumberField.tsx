import { useId, type ReactNode } from "react";
import { parseTyped, stepDecimal, toTyped } from "../format/decimal";
import { useSettings, useTranslate } from "../app/settings";
import { Icon } from "./Icon";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  step: string;
  min?: string;
  max?: string;
  /** Where the arrows start when the field is empty. */
  start?: string | null;
  placeholder?: string;
  aside?: ReactNode;
  optional?: boolean;
  help?: string;
}

/** A decimal typed the way its reader writes it, with arrows that move it by one step. */
export function NumberField({ label, value, onChange, step, min, max, start, placeholder, aside, optional, help }: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  const id = useId();
  const wrong = value.trim() === "" ? !optional : parseTyped(value, language) === null;
  const move = (count: number) => {
    const from = parseTyped(value, language) ?? start ?? min ?? "0";
    const moved = stepDecimal(from, step, value.trim() === "" && start ? 0 : count, min, max);
    onChange(toTyped(moved, language));
  };
  return (
    <div className="min-w-0">
      <div className="mb-0.5 flex items-baseline justify-between gap-1">
        <label htmlFor={id} className="label truncate">{label}</label>
        {aside}
      </div>
      <div className="relative">
        <input
          id={id}
          className="field pr-6"
          inputMode="decimal"
          autoComplete="off"
          value={value}
          placeholder={placeholder}
          title={help}
          aria-invalid={wrong && value.trim() !== "" ? true : undefined}
          aria-describedby={wrong && value.trim() !== "" ? `${id}-wrong` : undefined}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={(event) => {
            const jump = event.shiftKey ? 10 : 1;
            if (event.key === "ArrowUp") (event.preventDefault(), move(jump));
            if (event.key === "ArrowDown") (event.preventDefault(), move(-jump));
          }}
        />
        <div className="absolute inset-y-px right-px flex w-5 flex-col overflow-hidden rounded-r-md">
          <button type="button" tabIndex={-1} aria-label={t("ticket.up", { what: label })} onClick={() => move(1)} className="grid flex-1 place-items-center text-ink-3 hover:bg-hover hover:text-ink">
            <Icon name="up" size={10} />
          </button>
          <button type="button" tabIndex={-1} aria-label={t("ticket.down", { what: label })} onClick={() => move(-1)} className="grid flex-1 place-items-center text-ink-3 hover:bg-hover hover:text-ink">
            <Icon name="down" size={10} />
          </button>
        </div>
      </div>
      {wrong && value.trim() !== "" && <p id={`${id}-wrong`} className="mt-0.5 text-2xs text-crit">{t("ticket.invalid")}</p>}
    </div>
  );
}

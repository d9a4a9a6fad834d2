import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./Icon";

type Tone = "plain" | "quiet" | "buy" | "sell" | "danger" | "primary";

const TONES: Record<Tone, string> = {
  plain: "border border-edge bg-raised text-ink hover:bg-hover hover:border-ink-3",
  quiet: "text-ink-2 hover:bg-hover hover:text-ink",
  primary: "bg-ink text-bg hover:opacity-90",
  buy: "bg-up text-on-side hover:brightness-110",
  sell: "bg-down text-on-side hover:brightness-110",
  danger: "bg-emergency text-white hover:brightness-110",
};

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: Tone;
  size?: "sm" | "md" | "lg";
}

const SIZES = { sm: "h-6 px-2 text-xs rounded", md: "h-8 px-3 text-sm rounded-md", lg: "h-10 px-4 text-md rounded-md" };

export function Button({ tone = "plain", size = "md", className = "", ...rest }: Props) {
  return (
    <button
      type="button"
      className={`inline-flex items-center justify-center gap-1.5 font-semibold whitespace-nowrap transition-[background,filter,opacity] duration-100 disabled:opacity-45 disabled:brightness-100 ${SIZES[size]} ${TONES[tone]} ${className}`}
      {...rest}
    />
  );
}

/** A button that is only a sign: its name is read aloud and shown as a hint. */
export function IconButton({ icon, name, className = "", size = 16, ...rest }: { icon: IconName; name: string; size?: number } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" aria-label={name} title={name} className={`inline-grid size-7 place-items-center rounded-md text-ink-2 hover:bg-hover hover:text-ink ${className}`} {...rest}>
      <Icon name={icon} size={size} />
    </button>
  );
}

import { dismiss, useToasts } from "../app/toasts";
import { useTranslate } from "../app/settings";
import { IconButton } from "./Button";
import { Icon } from "./Icon";

const TONES = { ok: "border-l-ok", info: "border-l-warn", bad: "border-l-crit" } as const;
const ICONS = { ok: "check", info: "clock", bad: "alert" } as const;
const COLOURS = { ok: "text-ok", info: "text-warn", bad: "text-crit" } as const;

/** How the last actions ended; read aloud, never in the way of the page. */
export function Toasts() {
  const toasts = useToasts();
  const t = useTranslate();
  return (
    <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-3 bottom-16 z-50 flex flex-col items-end gap-2 wide:inset-x-auto wide:bottom-9 wide:left-1/2 wide:w-88 wide:-translate-x-1/2">
      {toasts.map((toast) => (
        <div key={toast.id} data-testid="toast" data-tone={toast.tone} className={`rise pointer-events-auto flex w-full max-w-88 items-start gap-2 rounded-md border border-edge border-l-4 bg-raised py-2 pr-1 pl-2.5 text-sm shadow-[var(--shadow)] ${TONES[toast.tone]}`}>
          <Icon name={ICONS[toast.tone]} className={`mt-0.5 ${COLOURS[toast.tone]}`} />
          <div className="min-w-0 flex-1 py-px">
            <p className="font-medium break-words">{toast.text}</p>
            {toast.detail && <p className="mt-0.5 text-xs text-ink-2">{toast.detail}</p>}
          </div>
          <IconButton icon="close" size={13} name={t("toast.dismiss")} className="size-6" onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}

import { useEffect, useRef, type ReactNode } from "react";

interface Props {
  open: boolean;
  onClose: () => void;
  label: string;
  children: ReactNode;
  /** A drawer stands at the right edge, an alarm in the middle, a palette near the top. */
  shape?: "drawer" | "alarm" | "palette";
  role?: "dialog" | "alertdialog";
}

const SHAPES = {
  drawer: "ml-auto mr-0 my-0 h-dvh max-h-none w-[min(460px,100vw)] border-l enter-right",
  alarm: "m-auto w-[min(520px,calc(100vw-24px))] max-h-[calc(100dvh-24px)] rounded-xl border-2 border-emergency rise",
  palette: "mx-auto mt-[12vh] mb-0 w-[min(520px,calc(100vw-24px))] max-h-[70dvh] rounded-xl border rise",
};

/** The browser's own modal: focus stays inside, Escape closes, everything behind is inert. An alarm is left by its own buttons alone. */
export function Dialog({ open, onClose, label, children, shape = "drawer", role = "dialog" }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (!open || !dialog) return;
    const before = document.activeElement;
    show(dialog);
    return () => {
      // The dialog is gone by now and took the focus with it.
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, [open]);
  if (!open) return null;
  const stays = role === "alertdialog";
  return (
    <dialog
      ref={ref}
      role={role}
      aria-label={label}
      onCancel={(event) => stays && event.preventDefault()}
      onKeyDown={(event) => stays && event.key === "Escape" && event.preventDefault()}
      // A browser lets nobody be held by a dialog: at a second Escape it closes all the same, and stands again at once.
      onClose={() => (stays && ref.current ? show(ref.current) : onClose())}
      onClick={(event) => {
        if (event.target === ref.current && !stays) onClose();
      }}
      className={`overflow-hidden border-edge bg-panel p-0 text-ink shadow-[var(--shadow)] ${SHAPES[shape]}`}
    >
      {children}
    </dialog>
  );
}

function show(dialog: HTMLDialogElement): void {
  dialog.showModal();
  // The browser would choose the first button, which may be the one that closes a position.
  dialog.querySelector<HTMLElement>("[data-first-focus]")?.focus();
}

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

/** The browser's own modal: focus stays inside, Escape closes, everything behind is inert. */
export function Dialog({ open, onClose, label, children, shape = "drawer", role = "dialog" }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (!open || !dialog) return;
    const before = document.activeElement;
    dialog.showModal();
    // The browser would choose the first button, which may be the one that closes a position.
    dialog.querySelector<HTMLElement>("[data-first-focus]")?.focus();
    return () => {
      // The dialog is gone by now and took the focus with it.
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={ref}
      role={role}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === ref.current && role === "dialog") onClose();
      }}
      className={`overflow-hidden border-edge bg-panel p-0 text-ink shadow-[var(--shadow)] ${SHAPES[shape]}`}
    >
      {children}
    </dialog>
  );
}

import { useEffect, useRef, type PointerEvent as ReactPointerEvent } from "react";
import type { ColumnId, Lead } from "../api/crm";

/** A press that moves less than this is a press. */
const SLOP_PX = 6;

interface Handlers {
  onStart: (lead: Lead) => void;
  onOver: (column: ColumnId | null) => void;
  onDrop: (column: ColumnId | null) => void;
  onCancel: () => void;
}

interface Press {
  lead: Lead;
  x: number;
  y: number;
  moving: boolean;
}

/** Carries a card with mouse, pen or finger. A finger carries it by its handle alone: elsewhere it scrolls. */
export function useCarry(handlers: Handlers) {
  const now = useRef(handlers);
  useEffect(() => {
    now.current = handlers;
  });
  const ghost = useRef<HTMLDivElement>(null);
  const stop = useRef<(() => void) | null>(null);
  useEffect(() => () => stop.current?.(), []);

  const onPointerDown = (event: ReactPointerEvent<HTMLElement>, lead: Lead) => {
    const byHandle = event.target instanceof Element && event.target.closest("[data-handle]") !== null;
    if (event.button !== 0 || (event.pointerType === "touch" && !byHandle)) return;
    stop.current?.();
    const press: Press = { lead, x: event.clientX, y: event.clientY, moving: false };
    const id = event.pointerId;
    const move = (moved: PointerEvent) => {
      if (moved.pointerId !== id) return;
      if (!press.moving && Math.hypot(moved.clientX - press.x, moved.clientY - press.y) < SLOP_PX) return;
      if (!press.moving) now.current.onStart(lead);
      press.moving = true;
      moved.preventDefault();
      if (ghost.current) ghost.current.style.transform = `translate(${moved.clientX + 10}px, ${moved.clientY + 10}px)`;
      now.current.onOver(columnAt(moved.clientX, moved.clientY));
    };
    const end = (drop: (() => void) | null) => {
      stop.current = null;
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", cancel);
      removeEventListener("keydown", escape, true);
      if (!press.moving) return;
      // The press ends on a link, which would open now.
      addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
      if (drop) drop();
      else now.current.onCancel();
    };
    const up = (ended: PointerEvent) => ended.pointerId === id && end(() => now.current.onDrop(columnAt(ended.clientX, ended.clientY)));
    const cancel = (ended: PointerEvent) => ended.pointerId === id && end(null);
    const escape = (key: KeyboardEvent) => key.key === "Escape" && (key.preventDefault(), end(null));
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", cancel);
    addEventListener("keydown", escape, true);
    stop.current = () => end(null);
  };
  return { ghost, onPointerDown };
}

function swallow(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}

function columnAt(x: number, y: number): ColumnId | null {
  const column = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-column]");
  return (column?.dataset.column as ColumnId | undefined) ?? null;
}

import { useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  tone: "ok" | "info" | "bad";
  text: string;
  detail?: string;
}

/** More than this on one screen is noise: the oldest leaves. */
const TOASTS_MAX = 4;
const LIFE_MS: Record<Toast["tone"], number> = { ok: 6_000, info: 8_000, bad: 14_000 };

let toasts: readonly Toast[] = [];
let next = 1;
const watchers = new Set<() => void>();

export function toast(tone: Toast["tone"], text: string, detail?: string): void {
  const made: Toast = { id: next++, tone, text, ...(detail ? { detail } : {}) };
  set([...toasts, made].slice(-TOASTS_MAX));
  setTimeout(() => dismiss(made.id), LIFE_MS[tone]);
}

export function dismiss(id: number): void {
  set(toasts.filter((one) => one.id !== id));
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(watch, () => toasts);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function set(value: readonly Toast[]): void {
  toasts = value;
  for (const watcher of watchers) watcher();
}

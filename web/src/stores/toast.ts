import { useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  tone: "ok" | "bad" | "info";
  text: string;
}

const SHOWN_MS = 5000;
const KEPT_MAX = 4;

let toasts: Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: Toast[]) {
  toasts = next;
  for (const listener of listeners) listener();
}

export function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

/** Says that something was done, or that a call outside of a form failed. */
export function toast(tone: Toast["tone"], text: string): void {
  last += 1;
  const id = last;
  set([...toasts, { id, tone, text }].slice(-KEPT_MAX));
  setTimeout(() => dismiss(id), tone === "bad" ? SHOWN_MS * 2 : SHOWN_MS);
}

export function useToasts(): Toast[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
}

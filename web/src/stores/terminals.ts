import { useSyncExternalStore } from "react";

import type { TerminalOpened } from "../api/nouns";

const KEY = "postern.terminals";
const listeners = new Set<() => void>();
let open: TerminalOpened[] = read();

function isOpened(value: unknown): value is TerminalOpened {
  return typeof value === "object" && value !== null && "session" in value && "ticket" in value && "account" in value;
}

function read(): TerminalOpened[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? value.filter(isOpened) : [];
  } catch {
    return [];
  }
}

function set(next: TerminalOpened[]) {
  open = next;
  sessionStorage.setItem(KEY, JSON.stringify(open));
  for (const listener of listeners) listener();
}

/** The terminals of this tab of the browser. They outlive a reload: their tickets are kept while the tab is. */
export const terminals = {
  list: () => open,
  find: (session: string) => open.find((each) => each.session === session),
  add: (opened: TerminalOpened) => set([...open.filter((each) => each.session !== opened.session), opened]),
  remove: (session: string) => set(open.filter((each) => each.session !== session)),
  clear: () => set([]),
};

export function useTerminals(): TerminalOpened[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => open,
  );
}

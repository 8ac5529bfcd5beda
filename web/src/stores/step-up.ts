import { useSyncExternalStore } from "react";

// One question at a time: calls that need a factor meanwhile wait for the same answer.
let waiting: { promise: Promise<boolean>; answer: (proved: boolean) => void } | undefined;
const listeners = new Set<() => void>();

function changed() {
  for (const listener of listeners) listener();
}

/** Asks the person for a fresh factor; true once it was proved. */
export function askStepUp(): Promise<boolean> {
  if (!waiting) {
    let answer: (proved: boolean) => void = () => {};
    const promise = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    waiting = { promise, answer };
    changed();
  }
  return waiting.promise;
}

export function answerStepUp(proved: boolean): void {
  waiting?.answer(proved);
  waiting = undefined;
  changed();
}

export function useStepUpAsked(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting !== undefined,
  );
}

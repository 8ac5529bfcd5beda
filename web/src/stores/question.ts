import { useSyncExternalStore } from "react";

export interface Question {
  /** Asks the person; true once it was done, false where they gave up. */
  ask: () => Promise<boolean>;
  answer: (done: boolean) => void;
  /** Whether it is being asked. */
  useAsked: () => boolean;
}

/** One question at a time: calls that need the answer meanwhile wait for the same one. */
function question(): Question {
  let waiting: { promise: Promise<boolean>; answer: (done: boolean) => void } | undefined;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  return {
    ask: () => {
      if (!waiting) {
        let answer: (done: boolean) => void = () => {};
        const promise = new Promise<boolean>((resolve) => {
          answer = resolve;
        });
        waiting = { promise, answer };
        changed();
      }
      return waiting.promise;
    },
    answer: (done) => {
      waiting?.answer(done);
      waiting = undefined;
      changed();
    },
    useAsked: () =>
      useSyncExternalStore(
        (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        () => waiting !== undefined,
      ),
  };
}

/** A fresh factor is to be proved. */
export const stepUp = question();

/** The sign-in has ended under an open page. */
export const signInAgain = question();

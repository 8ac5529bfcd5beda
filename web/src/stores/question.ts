import { useSyncExternalStore } from "react";

export interface Question<T> {
  /** Asks the person; true once it was done, false where they gave up. */
  ask: (what: T) => Promise<boolean>;
  answer: (done: boolean) => void;
  /** What is being asked, if anything is. */
  useAsked: () => T | undefined;
}

/** One question at a time: calls that need the answer meanwhile wait for the same one. */
function question<T>(): Question<T> {
  let waiting: { what: T; promise: Promise<boolean>; answer: (done: boolean) => void } | undefined;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  return {
    ask: (what) => {
      if (!waiting) {
        let answer: (done: boolean) => void = () => {};
        const promise = new Promise<boolean>((resolve) => {
          answer = resolve;
        });
        waiting = { what, promise, answer };
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
        () => waiting?.what,
      ),
  };
}

/** A fresh factor is to be proved: whichever, or a passkey and nothing else. */
export const stepUp = question<"factor" | "passkey">();

/** The sign-in has ended under an open page. */
export const signInAgain = question<true>();

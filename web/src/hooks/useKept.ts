import { useCallback, useEffect, useState } from "react";

const PREFIX = "postern.kept.";

/** The page and the dialog on it that a form belongs to. */
function place(): string {
  const search = new URLSearchParams(location.search);
  return [location.pathname, search.get("dialog"), search.get("item")].filter(Boolean).join(" ");
}

function keptAs<T>(key: string, initial: T): T {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(key) ?? "null");
    return value !== null && typeof value === typeof initial && Array.isArray(value) === Array.isArray(initial) ? (value as T) : initial;
  } catch {
    return initial;
  }
}

/** Nothing of the form that is open is kept any more, though it is still there: it was sent. */
export function letGo(): void {
  const own = `${PREFIX}${place()} `;
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(own)) sessionStorage.removeItem(key);
}

/**
 * What is filled in in a form: it outlives a reload of its page, in this tab of the browser. It is gone once the form
 * is, whether it was sent or left. `name` tells fields of one form apart. Never for secrets.
 */
export function useKept<T>(name: string, initial: T): [T, (value: T) => void] {
  const [key] = useState(() => `${PREFIX}${place()} ${name}`);
  const [value, setValue] = useState(() => keptAs(key, initial));
  const keep = useCallback(
    (next: T) => {
      setValue(next);
      sessionStorage.setItem(key, JSON.stringify(next));
    },
    [key],
  );
  // A reload does not come by here.
  useEffect(() => () => sessionStorage.removeItem(key), [key]);
  return [value, keep];
}

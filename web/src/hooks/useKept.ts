import { useCallback, useState } from "react";

const PREFIX = "postern.kept.";

/** What is typed in a form that is no secret: it outlives a reload of its page, in this tab of the browser. */
export function useKept(key: string, initial: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => sessionStorage.getItem(PREFIX + key) ?? initial);
  const keep = useCallback(
    (next: string) => {
      setText(next);
      sessionStorage.setItem(PREFIX + key, next);
    },
    [key],
  );
  return [text, keep];
}

/** Nothing of a form is kept any more: it was sent, or left. */
export function letGo(form: string): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(`${PREFIX}${form}.`)) sessionStorage.removeItem(key);
}

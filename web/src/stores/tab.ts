import { terminals } from "./terminals";

/** Nothing of what this tab keeps is left for whoever signs in next. */
export function forgetTab(): void {
  terminals.clear();
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("postern.")) sessionStorage.removeItem(key);
}

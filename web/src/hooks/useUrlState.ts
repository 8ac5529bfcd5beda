import { useNavigate, useRouterState, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";

import type { Search, SearchKey } from "../util/search";
import { validateSearch } from "../util/search";

/** The interface's state in the URL, and how to change it. Undefined removes a key. */
export function useUrlState() {
  const raw = useSearch({ strict: false });
  const search: Search = validateSearch(raw);
  const navigate = useNavigate();
  const set = useCallback(
    (patch: Search, options: { replace?: boolean } = {}) => {
      void navigate({
        to: ".",
        search: (before: Record<string, unknown>) => validateSearch({ ...before, ...patch }),
        replace: options.replace ?? false,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return { search, set };
}

/** A filter: a change of it goes back to the first page. */
export function useFilter() {
  const { search, set } = useUrlState();
  const filter = useCallback(
    (patch: Search) => set({ ...patch, cursor: undefined, page: undefined }, { replace: true }),
    [set],
  );
  return { search, filter };
}

const TYPING_MS = 200;

/** A text in the URL that is typed: it follows when the typing pauses. */
export function useTypedFilter(key: SearchKey): [string, (text: string) => void] {
  const { search, filter } = useFilter();
  const inUrl = search[key] ?? "";
  const [text, setText] = useState(inUrl);
  const [seen, setSeen] = useState(inUrl);
  if (seen !== inUrl) {
    setSeen(inUrl);
    setText(inUrl);
  }
  useEffect(() => {
    if (text === inUrl) return undefined;
    const timer = setTimeout(() => filter({ [key]: text || undefined }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, inUrl, key, filter]);
  return [text, setText];
}

/** Open dialogs live in the URL: `?dialog=create&item=web-1`. Closing goes back where opening came from. */
export function useDialog() {
  const { search, set } = useUrlState();
  const open = useCallback((dialog: string, item?: string) => set({ dialog, item }), [set]);
  const close = useCallback(() => set({ dialog: undefined, item: undefined }, { replace: true }), [set]);
  return { dialog: search.dialog, item: search.item, open, close };
}

export function usePathname(): string {
  return useRouterState({ select: (state) => state.location.pathname });
}

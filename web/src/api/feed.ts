import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { q } from "./queries";

const SETTLE_MS = 150;
const AGAIN_MS = 3_000;

// What else changes with a noun.
const FOLLOWS = [["grant", "access"], ["request", "access"], ["policy", "access"], ["asset", "access"], ["account", "access"], ["secret", "account"], ["group", "user"], ["role", "user"], ["user", "login"], ["account", "rotation"], ["secret", "rotation"], ["passkey", "login"], ["group", "login"], ["role", "login"], ["finding", "account"], ["account", "finding"], ["discovery", "finding"], ["discovery", "inventory"], ["checkout", "rotation"], ["checkout", "account"], ["alert", "detection_rule"]] as const;

/** What must not be read twice: a look at a link makes a new secret, a recording is large and does not change. */
export const ONCE = new Set(["link", "recording", "files"]);

function nounsIn(data: string): string[] {
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed !== "object" || parsed === null || !("nouns" in parsed)) return [];
    return Array.isArray(parsed.nouns) ? parsed.nouns.filter((noun) => typeof noun === "string") : [];
  } catch {
    return [];
  }
}

/** Refreshes what is shown when the server says that it may have changed. */
export function useFeed(): void {
  const client = useQueryClient();
  useEffect(() => {
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    const waiting = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const nouns = new Set(waiting);
      waiting.clear();
      for (const [noun, follow] of FOLLOWS) if (nouns.has(noun)) nouns.add(follow);
      // Whatever happens is an event of the ledger.
      nouns.add("audit").add("status").add("home").add("counts");
      const all = nouns.has("other");
      void client.invalidateQueries({ predicate: ({ queryKey: [noun] }) => (all ? !ONCE.has(String(noun)) : nouns.has(String(noun))) });
    };
    const open = () => {
      source = new EventSource("/v1/feed");
      source.addEventListener("changed", (event) => {
        for (const noun of nounsIn(event.data)) waiting.add(noun);
        timer ??= setTimeout(flush, SETTLE_MS);
      });
      source.addEventListener("open", () => {
        // Changes made before the stream was there, or while it was down, were not announced.
        void client.invalidateQueries({ predicate: ({ queryKey: [noun] }) => !ONCE.has(String(noun)) });
      });
      source.addEventListener("error", () => {
        // It comes back by itself but for what was refused: where the sign-in has ended, asking for it says so.
        if (source.readyState !== EventSource.CLOSED) return;
        const retry = () => {
          again = setTimeout(open, AGAIN_MS);
        };
        void client.fetchQuery({ ...q.who(), staleTime: 0 }).then(retry, retry);
      });
    };
    open();
    return () => {
      source.close();
      clearTimeout(timer);
      clearTimeout(again);
    };
  }, [client]);
}

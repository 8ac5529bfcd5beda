import { MutationCache, QueryClient } from "@tanstack/react-query";

import { asApiError, messageOf } from "./api/errors";
import { ONCE } from "./api/feed";
import { toast } from "./stores/toast";

const RETRIES_MAX = 2;

/** Mutations that show their own failure in their form say so with `meta: { inline: true }`. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused stays refused; only a server that does not answer is asked again.
      retry: (count, error) => {
        const { status } = asApiError(error);
        return count < RETRIES_MAX && (status === 0 || status === 502 || status === 504);
      },
    },
  },
  mutationCache: new MutationCache({
    onError: (error, _variables, _context, mutation) => {
      if (!mutation.meta?.inline) toast("bad", messageOf(error));
    },
    // What was just changed is read again at once; the feed tells the others.
    onSuccess: (_data, _variables, _context, mutation) => {
      if (mutation.meta?.keeps) return;
      void queryClient.invalidateQueries({ predicate: ({ queryKey: [noun] }) => !ONCE.has(String(noun)) });
    },
  }),
});

import { useSuspenseQuery } from "@tanstack/react-query";

import type { Blocked } from "../api/can";
import { blocked, holds } from "../api/can";
import type { Permission, Who } from "../api/nouns";
import { q } from "../api/queries";

/** Who is signed in; the layout has made sure that somebody is. */
export function useWho(): Who {
  return useSuspenseQuery(q.who()).data;
}

/** The gates of actions for who is signed in. */
export function useCan(): { can: (permission: Permission, scope?: string) => boolean; blocked: (permission: Permission, scope?: string) => Blocked } {
  const who = useWho();
  return {
    can: (permission, scope) => holds(who, permission, scope),
    blocked: (permission, scope) => blocked(who, permission, scope),
  };
}

import { createContext, use } from "react";

/** Where floating parts go: inside an open modal dialog everything outside of it is inert. */
export const PortalContext = createContext<HTMLElement | null>(null);

export function usePortal(): HTMLElement | null {
  return use(PortalContext);
}

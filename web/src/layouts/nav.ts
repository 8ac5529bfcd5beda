import { Archive, BellRing, Boxes, ClipboardCheck, FileClock, FileText, Film, Gauge, Hourglass, House, KeyRound, KeySquare, Radar, RefreshCcwDot, Scissors, ScrollText, Search, Server, Settings2, Shapes, ShieldCheck, Siren, SquareTerminal, TriangleAlert, UserRound, Users, Vault, Waypoints } from "lucide-react";
import type { LucideIcon } from "lucide-react";

import { holds } from "../api/can";
import type { Permission, Who } from "../api/nouns";
import { t } from "../i18n";
import { pb } from "../util/path-builder";

export interface NavItem {
  to: string;
  label: string;
  icon: LucideIcon;
  needs?: Permission;
  count?: "waiting" | "live" | "break_glass" | "terminals";
}

export interface NavGroup {
  label?: string;
  items: NavItem[];
}

const GROUPS: NavGroup[] = [
  {
    items: [
      { to: pb.home(), label: t.nav.home, icon: House },
      { to: pb.access(), label: t.nav.access, icon: KeyRound },
      { to: pb.requests(), label: t.nav.requests, icon: FileClock, count: "waiting" },
      { to: pb.grants(), label: t.nav.grants, icon: Hourglass },
      { to: pb.reviews(), label: t.nav.reviews, icon: ClipboardCheck },
      { to: pb.checkouts(), label: t.nav.checkouts, icon: KeySquare },
      { to: pb.breakGlass(), label: t.nav.breakGlass, icon: Siren, count: "break_glass" },
      { to: pb.terminals(), label: t.nav.terminals, icon: SquareTerminal, count: "terminals" },
      { to: pb.sessions(), label: t.nav.sessions, icon: Film, count: "live" },
      { to: pb.search(), label: t.nav.recordings, icon: Search },
    ],
  },
  {
    label: t.nav.admin,
    items: [
      { to: pb.assets(), label: t.nav.assets, icon: Server, needs: "asset:read" },
      { to: pb.accounts(), label: t.nav.accounts, icon: Boxes, needs: "asset:read" },
      { to: pb.discovery(), label: t.nav.discovery, icon: Radar, needs: "asset:read" },
      { to: pb.findings(), label: t.nav.findings, icon: TriangleAlert, needs: "asset:read" },
      { to: pb.rotations(), label: t.nav.rotations, icon: RefreshCcwDot, needs: "rotation:read" },
      { to: pb.policies(), label: t.nav.policies, icon: ShieldCheck, needs: "policy:read" },
      { to: pb.rightSize(), label: t.nav.rightSize, icon: Scissors, needs: "policy:read" },
      { to: pb.users(), label: t.nav.users, icon: UserRound, needs: "user:read" },
      { to: pb.groups(), label: t.nav.groups, icon: Users, needs: "user:read" },
      { to: pb.roles(), label: t.nav.roles, icon: Shapes, needs: "user:read" },
      { to: pb.scopes(), label: t.nav.scopes, icon: Waypoints, needs: "asset:read" },
      { to: pb.settings(), label: t.nav.settings, icon: Settings2, needs: "status:read" },
    ],
  },
  {
    label: t.nav.oversight,
    items: [
      { to: pb.alerts(), label: t.nav.alerts, icon: BellRing, needs: "session:read" },
      { to: pb.reports(), label: t.nav.reports, icon: FileText, needs: "report:read" },
      { to: pb.holds(), label: t.nav.holds, icon: Archive, needs: "audit:read" },
      { to: pb.audit(), label: t.nav.audit, icon: ScrollText, needs: "audit:read" },
      { to: pb.vault(), label: t.nav.vault, icon: Vault, needs: "vault:read" },
      { to: pb.status(), label: t.nav.status, icon: Gauge, needs: "status:read" },
    ],
  },
];

/** The places that somebody can see at all. */
export function navFor(who: Who): NavGroup[] {
  return GROUPS.map((group) => ({ ...group, items: group.items.filter((item) => !item.needs || holds(who, item.needs)) })).filter(
    (group) => group.items.length > 0,
  );
}



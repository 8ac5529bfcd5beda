import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouter } from "@tanstack/react-router";
import { LogOut, Menu as MenuPicture, Monitor, Moon, Search, Sun, UserRound, X } from "lucide-react";
import { Suspense, lazy, useEffect, useRef, useState } from "react";

import { api } from "../api/client";
import { useFeed } from "../api/feed";
import { q } from "../api/queries";
import { Logo } from "../components/Logo";
import { StepUpDialog } from "../components/StepUpDialog";
import { setTheme, useTheme } from "../hooks/useTheme";
import type { Theme } from "../hooks/useTheme";
import { usePathname } from "../hooks/useUrlState";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { queryClient } from "../query-client";
import { signedOut } from "../stores/login";
import { forgetTab } from "../stores/tab";
import { useTerminals } from "../stores/terminals";
import { IconButton } from "../ui/Button";
import { cx } from "../ui/cx";
import { Menu } from "../ui/Menu";
import { pb } from "../util/path-builder";
import { navFor } from "./nav";
import type { NavItem } from "./nav";

const Palette = lazy(() => import("../components/Palette").then((module) => ({ default: module.Palette })));

export function AppLayout() {
  useFeed();
  const [palette, setPalette] = useState(false);
  const [menu, setMenu] = useState(false);
  const pathname = usePathname();
  const [shownFor, setShownFor] = useState(pathname);
  if (shownFor !== pathname) {
    setShownFor(pathname);
    setMenu(false);
  }

  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      // What a terminal has taken is not ours.
      if (event.defaultPrevented) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setPalette((shown) => !shown);
      }
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);

  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[14.5rem_minmax(0,1fr)]">
      <a href="#main" className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 text-on-accent focus:translate-y-0">{t.actions.skip}</a>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r bg-sunken lg:flex">
        <Side onPalette={() => setPalette(true)} />
      </aside>
      <div className="flex min-w-0 flex-col">
        <header className="no-print sticky top-0 z-20 flex h-12 items-center gap-2 border-b bg-canvas px-2 lg:hidden">
          <IconButton label={t.nav.menu} onClick={() => setMenu(true)} side="bottom"><MenuPicture className="size-5" aria-hidden /></IconButton>
          <Link to={pb.home()} className="flex items-center gap-2 font-semibold"><Logo className="size-6" />{t.product}</Link>
          <span className="flex-1" />
          <IconButton label={t.nav.search} onClick={() => setPalette(true)} side="bottom"><Search className="size-5" aria-hidden /></IconButton>
        </header>
        <main id="main" tabIndex={-1} className="min-w-0 flex-1 focus-visible:outline-none">
          <Outlet />
        </main>
      </div>
      {menu ? <Drawer onClose={() => setMenu(false)} onPalette={() => { setMenu(false); setPalette(true); }} /> : null}
      <StepUpDialog />
      {palette ? <Suspense><Palette onClose={() => setPalette(false)} /></Suspense> : null}
    </div>
  );
}

function Drawer({ onClose, onPalette }: { onClose: () => void; onPalette: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} aria-label={t.nav.menu} onCancel={(event) => { event.preventDefault(); onClose(); }} onMouseDown={(event) => event.target === ref.current && onClose()} className="fixed inset-y-0 left-0 m-0 h-dvh max-h-none w-72 max-w-[85vw] border-r bg-sunken p-0 text-ink">
      <div className="absolute top-2 right-2 z-10"><IconButton label={t.actions.close} onClick={onClose} side="right"><X className="size-5" aria-hidden /></IconButton></div>
      <div className="flex h-full flex-col"><Side onPalette={onPalette} /></div>
    </dialog>
  );
}

function Side({ onPalette }: { onPalette: () => void }) {
  const who = useWho();
  return (
    <>
      <div className="flex h-14 shrink-0 items-center px-4">
        <Link to={pb.home()} className="flex items-center gap-2.5 text-lg font-semibold tracking-[-0.01em]"><Logo className="size-7" />{t.product}</Link>
      </div>
      <div className="px-3">
        <button type="button" onClick={onPalette} className="flex h-8 w-full items-center gap-2 rounded-md border bg-surface px-2.5 text-sm text-muted hover:border-line-strong hover:text-ink">
          <Search className="size-4" aria-hidden />
          <span className="flex-1 text-left">{t.nav.search}</span>
          <kbd className="font-mono text-2xs text-faint">{t.palette.shortcut}</kbd>
        </button>
      </div>
      <nav aria-label={t.nav.main} className="mt-3 min-h-0 flex-1 overflow-y-auto px-3 pb-3">
        {navFor(who).map((group, index) => (
          <div key={group.label ?? index} className="mb-4">
            {group.label ? <h2 className="mb-1 px-2.5 text-2xs font-medium text-faint">{group.label}</h2> : null}
            <ul>{group.items.map((item) => <li key={item.to}><NavLink item={item} /></li>)}</ul>
          </div>
        ))}
      </nav>
      <Me />
    </>
  );
}

function NavLink({ item }: { item: NavItem }) {
  const Picture = item.icon;
  return (
    <Link
      to={item.to}
      activeOptions={{ exact: item.to === "/", includeSearch: false }}
      className="group flex h-8 items-center gap-2.5 rounded-md px-2.5 text-sm text-muted hover:bg-hover hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-ink max-lg:h-10"
    >
      <Picture className="size-4 group-aria-[current=page]:text-accent" aria-hidden />
      <span className="flex-1">{item.label}</span>
      {item.count === "terminals" ? <OpenCount /> : item.count ? <Count kind={item.count} /> : null}
    </Link>
  );
}

// No count of the server's goes beyond it.
const COUNTED_MAX = 100;

/** What waits or lives, beside its page's name; it takes no room while there is nothing. */
function Count({ kind }: { kind: "waiting" | "live" | "break_glass" }) {
  const counts = useQuery(q.counts());
  // Statements are decided on where requests are.
  const count = (counts.data?.[kind] ?? 0) + (kind === "waiting" ? (counts.data?.statements ?? 0) : 0);
  if (count === 0) return null;
  return (
    <span className={cx("rounded-sm px-1.5 text-2xs font-semibold", kind === "waiting" ? "bg-accent text-on-accent" : "bg-ok-soft text-ok")}>
      <span aria-hidden>{count >= COUNTED_MAX ? `${COUNTED_MAX}+` : count}</span>
      <span className="sr-only">{kind === "live" ? t.nav.live(count) : kind === "break_glass" ? t.nav.toReview(count) : t.nav.waiting(count)}</span>
    </span>
  );
}

function OpenCount() {
  const { length } = useTerminals();
  if (length === 0) return null;
  return (
    <span className="rounded-sm bg-ok-soft px-1.5 text-2xs font-semibold text-ok">
      <span aria-hidden>{length}</span>
      <span className="sr-only">{t.nav.opened(length)}</span>
    </span>
  );
}

const THEMES: { theme: Theme; icon: typeof Sun }[] = [
  { theme: "system", icon: Monitor },
  { theme: "light", icon: Sun },
  { theme: "dark", icon: Moon },
];

function Me() {
  const who = useWho();
  const router = useRouter();
  const theme = useTheme();
  const signOut = async () => {
    await api.loginEnd().catch(() => undefined);
    forgetTab();
    queryClient.clear();
    signedOut();
    await router.navigate({ to: "/sign-in" });
  };
  return (
    <div className="flex shrink-0 items-center gap-1 border-t px-3 py-2">
      <Menu
        label={t.nav.profile}
        trigger={
          <button type="button" className="flex h-9 min-w-0 flex-1 items-center gap-2.5 rounded-md px-2 text-left text-sm hover:bg-hover">
            <span aria-hidden className="flex size-6 shrink-0 items-center justify-center rounded-full bg-accent-soft text-2xs font-semibold text-accent uppercase">{who.user.name.slice(0, 2)}</span>
            <span className="min-w-0 flex-1 truncate font-mono text-xs">{who.user.name}</span>
          </button>
        }
        items={[
          { label: t.nav.profile, icon: <UserRound />, onSelect: () => void router.navigate({ to: pb.profile() }) },
          ...THEMES.map(({ theme: each, icon: Picture }, index) => ({
            label: <span className={theme === each ? "font-semibold" : undefined}>{t.nav.themes[each]}{theme === each ? " ✓" : ""}</span>,
            icon: <Picture />,
            apart: index === 0,
            onSelect: () => setTheme(each),
          })),
          { label: t.nav.signOut, icon: <LogOut />, apart: true, onSelect: () => void signOut() },
        ]}
      />
    </div>
  );
}

import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Suspense, lazy } from "react";

import { ApiError, asApiError } from "./api/errors";
import { onHttp } from "./api/http";
import { q } from "./api/queries";
import { QueryError } from "./components/QueryError";
import { t } from "./i18n/first";
import { SignInPage } from "./pages/auth/SignInPage";
import { queryClient } from "./query-client";
import { onLogin } from "./stores/login";
import { signInAgain, stepUp } from "./stores/question";
import { forgetTab } from "./stores/tab";
import { Press } from "./ui/Press";
import { Blank } from "./ui/feedback";
import { parseSearch, stringifySearch, validateSearch } from "./util/search";

/**
 * A page's code, loaded when it is needed. When it cannot be fetched the server is down, or newer than what is open
 * here and its files have other names: the router would reload at once, into the browser's own error page.
 */
function page<T extends Record<string, unknown>, K extends keyof T & string>(load: () => Promise<T>, name: K) {
  return lazyRouteComponent(() => load().catch((error: unknown) => Promise.reject(asApiError(error))), name);
}

/** Reloads once there is a server to reload from. */
async function reload() {
  const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => undefined);
  if (answer) location.reload();
}

function Failed({ error }: ErrorComponentProps) {
  return error instanceof ApiError ? <QueryError error={error} onRetry={() => void reload()} /> : <Broken />;
}

function Broken() {
  return <Blank title={t.errors.page} actions={<Press onClick={() => location.reload()}>{t.errors.reload}</Press>}>{t.errors.pageBody}</Blank>;
}

function NotFound() {
  return (
    <main className="pt-[12vh]">
      <h1 className="sr-only">{t.errors.notFound}</h1>
      <Blank title={t.errors.notFound} actions={<a href="/" className="text-accent underline underline-offset-2">{t.nav.home}</a>}>{t.errors.notFoundBody}</Blank>
    </main>
  );
}

const root = createRootRoute({ component: Outlet, validateSearch, notFoundComponent: NotFound, errorComponent: Failed });

const SignInAgain = lazy(() => import("./components/SignInAgain").then((module) => ({ default: module.SignInAgain })));

function SignedIn() {
  return (
    <>
      <Outlet />
      {signInAgain.useAsked() ? <Suspense><SignInAgain /></Suspense> : null}
    </>
  );
}

/** Everything below needs somebody who is signed in; who is not comes back here afterwards. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  component: SignedIn,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(q.who());
    } catch (error) {
      if (asApiError(error).status !== 401) throw error;
      const next = location.href === "/" ? {} : { next: location.href };
      throw redirect({ to: "/sign-in", search: next });
    }
  },
});

const app = createRoute({ getParentRoute: () => signedIn, id: "app", component: page(() => import("./layouts/AppLayout"), "AppLayout") });

const signIn = createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignInPage });
const setup = createRoute({ getParentRoute: () => root, path: "/setup/$token", component: page(() => import("./pages/auth/LinkPage"), "LinkPage") });
const enrol = createRoute({ getParentRoute: () => root, path: "/enrol/$token", component: page(() => import("./pages/auth/LinkPage"), "LinkPage") });
const confirm = createRoute({ getParentRoute: () => signedIn, path: "/confirm/$token", component: page(() => import("./pages/auth/ConfirmPage"), "ConfirmPage") });

const under = () => app;
const pages = [
  createRoute({ getParentRoute: under, path: "/", component: page(() => import("./pages/work/HomePage"), "HomePage") }),
  createRoute({ getParentRoute: under, path: "/access", component: page(() => import("./pages/work/AccessPage"), "AccessPage") }),
  createRoute({ getParentRoute: under, path: "/requests", component: page(() => import("./pages/work/RequestsPage"), "RequestsPage") }),
  createRoute({ getParentRoute: under, path: "/requests/$id", component: page(() => import("./pages/work/RequestPage"), "RequestPage") }),
  createRoute({ getParentRoute: under, path: "/grants", component: page(() => import("./pages/work/GrantsPage"), "GrantsPage") }),
  createRoute({ getParentRoute: under, path: "/retention", component: page(() => import("./pages/oversight/HoldsPage"), "HoldsPage") }),
  createRoute({ getParentRoute: under, path: "/reports", component: page(() => import("./pages/oversight/ReportsPage"), "ReportsPage") }),
  createRoute({ getParentRoute: under, path: "/reviews", component: page(() => import("./pages/work/ReviewsPage"), "ReviewsPage") }),
  createRoute({ getParentRoute: under, path: "/reviews/$id", component: page(() => import("./pages/work/ReviewPage"), "ReviewPage") }),
  createRoute({ getParentRoute: under, path: "/break-glass", component: page(() => import("./pages/work/BreakGlassPage"), "BreakGlassPage") }),
  createRoute({ getParentRoute: under, path: "/checkouts", component: page(() => import("./pages/work/CheckoutsPage"), "CheckoutsPage") }),
  createRoute({ getParentRoute: under, path: "/discovery", component: page(() => import("./pages/admin/DiscoveryPage"), "DiscoveryPage") }),
  createRoute({ getParentRoute: under, path: "/discovery/$id", component: page(() => import("./pages/admin/DiscoveryRunPage"), "DiscoveryRunPage") }),
  createRoute({ getParentRoute: under, path: "/findings", component: page(() => import("./pages/admin/FindingsPage"), "FindingsPage") }),
  createRoute({ getParentRoute: under, path: "/sql", component: page(() => import("./pages/work/SqlPage"), "SqlPage") }),
  createRoute({ getParentRoute: under, path: "/terminals", component: page(() => import("./pages/work/TerminalPage"), "TerminalPage") }),
  createRoute({ getParentRoute: under, path: "/terminals/$session", component: page(() => import("./pages/work/TerminalPage"), "TerminalPage") }),
  createRoute({ getParentRoute: under, path: "/search", component: page(() => import("./pages/work/SearchPage"), "SearchPage") }),
  createRoute({ getParentRoute: under, path: "/sessions", component: page(() => import("./pages/work/SessionsPage"), "SessionsPage") }),
  createRoute({ getParentRoute: under, path: "/sessions/$id", component: page(() => import("./pages/work/SessionPage"), "SessionPage") }),
  createRoute({ getParentRoute: under, path: "/users", component: page(() => import("./pages/admin/UsersPage"), "UsersPage") }),
  createRoute({ getParentRoute: under, path: "/users/$name", component: page(() => import("./pages/admin/UserPage"), "UserPage") }),
  createRoute({ getParentRoute: under, path: "/groups", component: page(() => import("./pages/admin/GroupsPage"), "GroupsPage") }),
  createRoute({ getParentRoute: under, path: "/roles", component: page(() => import("./pages/admin/RolesPage"), "RolesPage") }),
  createRoute({ getParentRoute: under, path: "/scopes", component: page(() => import("./pages/admin/ScopesPage"), "ScopesPage") }),
  createRoute({ getParentRoute: under, path: "/assets", component: page(() => import("./pages/admin/AssetsPage"), "AssetsPage") }),
  createRoute({ getParentRoute: under, path: "/assets/$name", component: page(() => import("./pages/admin/AssetPage"), "AssetPage") }),
  createRoute({ getParentRoute: under, path: "/accounts", component: page(() => import("./pages/admin/AccountsPage"), "AccountsPage") }),
  createRoute({ getParentRoute: under, path: "/rotations", component: page(() => import("./pages/admin/RotationsPage"), "RotationsPage") }),
  createRoute({ getParentRoute: under, path: "/policies", component: page(() => import("./pages/admin/PoliciesPage"), "PoliciesPage") }),
  createRoute({ getParentRoute: under, path: "/policies/$name", component: page(() => import("./pages/admin/PolicyPage"), "PolicyPage") }),
  createRoute({ getParentRoute: under, path: "/policies/$name/edit", component: page(() => import("./pages/admin/PolicyEditPage"), "PolicyEditPage") }),
  createRoute({ getParentRoute: under, path: "/right-size", component: page(() => import("./pages/admin/RightSizePage"), "RightSizePage") }),
  createRoute({ getParentRoute: under, path: "/policy-new", component: page(() => import("./pages/admin/PolicyEditPage"), "PolicyEditPage") }),
  createRoute({ getParentRoute: under, path: "/audit", component: page(() => import("./pages/oversight/AuditPage"), "AuditPage") }),
  createRoute({ getParentRoute: under, path: "/alerts", component: page(() => import("./pages/oversight/AlertsPage"), "AlertsPage") }),
  createRoute({ getParentRoute: under, path: "/vault", component: page(() => import("./pages/oversight/VaultPage"), "VaultPage") }),
  createRoute({ getParentRoute: under, path: "/status", component: page(() => import("./pages/oversight/StatusPage"), "StatusPage") }),
  createRoute({ getParentRoute: under, path: "/settings", component: page(() => import("./pages/oversight/SettingsPage"), "SettingsPage") }),
  createRoute({ getParentRoute: under, path: "/profile", component: page(() => import("./pages/me/ProfilePage"), "ProfilePage") }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren([signIn, setup, enrol, signedIn.addChildren([confirm, app.addChildren([...pages])])]),
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultErrorComponent: Failed,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

/** Who this page was made for; none before somebody has signed in. */
function shownTo(): string | undefined {
  return queryClient.getQueryData(q.who().queryKey)?.user.name;
}

onHttp({
  stepUp: stepUp.ask,
  // A page that nobody has seen yet sends to the sign-in page instead.
  signIn: async () => shownTo() !== undefined && (await signInAgain.ask(true)),
});

onLogin({
  out: () => {
    const { pathname, href } = router.state.location;
    if (pathname === "/sign-in") return;
    signInAgain.answer(false);
    forgetTab();
    queryClient.clear();
    void router.navigate({ to: "/sign-in", search: href === "/" ? {} : { next: href } });
  },
  in: (user) => {
    const before = shownTo();
    if (before === undefined) return;
    // What somebody else was shown is not theirs.
    if (before !== user) location.assign("/");
    else signInAgain.answer(true);
  },
});

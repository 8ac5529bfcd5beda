import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { q } from "../../api/queries";
import { SignInForm } from "../../components/SignInForm";
import { useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n/first";
import { AuthLayout } from "../../layouts/AuthLayout";
import { signedIn } from "../../stores/login";
import { validateSearch } from "../../util/search";

/** Only an address of ours: what follows signing in is never another site. */
export function safeNext(next: string | undefined): { to: string; search: Record<string, string | undefined> } {
  const inside = next && /^\/(?![/\\])/.test(next) ? next : "/";
  const url = new URL(inside, location.origin);
  if (url.origin !== location.origin) return { to: "/", search: {} };
  return { to: url.pathname, search: { ...validateSearch(Object.fromEntries(url.searchParams)) } };
}

export function SignInPage() {
  const { search } = useUrlState();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState<string>();

  const done = async () => {
    client.clear();
    signedIn((await client.fetchQuery(q.who())).user.name);
    await navigate({ ...safeNext(search.next), replace: true });
  };
  return (
    <AuthLayout title={t.signIn.title} lead={name === undefined ? t.signIn.lead : t.signIn.as(name)}>
      <SignInForm onDone={() => void done()} onName={setName} notice={search.next ? t.signIn.signedOut : undefined} />
    </AuthLayout>
  );
}

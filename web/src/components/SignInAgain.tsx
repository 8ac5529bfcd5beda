import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { api } from "../api/client";
import { ONCE } from "../api/feed";
import { q } from "../api/queries";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { signedIn } from "../stores/login";
import { signInAgain } from "../stores/question";
import { forgetTab } from "../stores/tab";
import { Dialog } from "../ui/Dialog";
import { SignInForm } from "./SignInForm";

/**
 * Covers the page when its sign-in has ended. Whoever was shown it signs in again and goes on where they were:
 * what they had typed is still there, and what they had asked for is asked again.
 */
export function SignInAgain() {
  const who = useWho();
  const client = useQueryClient();
  const navigate = useNavigate();

  const done = async () => {
    const now = await api.loginShow();
    signedIn(now.user.name);
    // What somebody else was shown is not theirs.
    if (now.user.name !== who.user.name) return location.assign("/");
    client.setQueryData(q.who().queryKey, now);
    signInAgain.answer(true);
    await client.invalidateQueries({ predicate: ({ queryKey: [noun] }) => !ONCE.has(String(noun)) });
  };
  const leave = () => {
    signInAgain.answer(false);
    forgetTab();
    client.clear();
    void navigate({ to: "/sign-in" });
  };
  return (
    <Dialog title={t.signIn.againTitle} about={t.signIn.againBody} onClose={leave} dismissable={false} covers>
      <SignInForm as={who.user.name} onDone={() => void done()} />
      <div className="mt-4 text-sm"><button type="button" className="text-muted hover:underline" onClick={leave}>{t.signIn.leave}</button></div>
    </Dialog>
  );
}

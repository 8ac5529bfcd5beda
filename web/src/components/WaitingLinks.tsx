import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, X } from "lucide-react";

import { api } from "../api/client";
import type { WaitingLink } from "../api/nouns";
import { q } from "../api/queries";
import { useCan, useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Button } from "../ui/Button";
import { Notice } from "../ui/feedback";
import { pb } from "../util/path-builder";
import { Mono } from "./Copy";
import { Ago, When } from "./When";

const u = t.users;

/** Enrolment links that do not work before somebody else has confirmed them: of one user, or of all that one looks after. */
export function WaitingLinks({ user }: { user?: string }) {
  const { can } = useCan();
  const links = useQuery({ ...q.waitingLinks(), enabled: can("user:read") });
  const items = links.data?.items.filter((link) => user === undefined || link.user === user) ?? [];
  if (items.length === 0) return null;
  return <div className="mb-6 space-y-2">{items.map((link) => <Waiting key={link.user} link={link} named={user === undefined} />)}</div>;
}

function Waiting({ link, named }: { link: WaitingLink; named: boolean }) {
  const who = useWho();
  const { blocked } = useCan();
  const why = blocked("user:write", link.scope);
  const confirm = useMutation({ mutationFn: () => api.userLinkConfirm(link.user), onSuccess: () => toast("ok", u.linkConfirmed) });
  const refuse = useMutation({ mutationFn: () => api.userLinkRefuse(link.user), onSuccess: () => toast("ok", u.linkRefused) });
  return (
    <Notice tone="warn" title={u.linkWaits}>
      <span className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="min-w-0 flex-1 basis-64">
          {named ? <><Link to={pb.user(link.user)} className="underline underline-offset-2"><Mono>{link.user}</Mono></Link>: </> : null}{u.linkMadeBy} <Mono>{link.made_by}</Mono>, <Ago at={link.created_at} />. {link.works_from ? <>{u.linkWorksFrom} <When at={link.works_from} />.</> : u.linkWaitsBody}
        </span>
        <span className="flex gap-2">
          <Button size="sm" look="primary" icon={<Check className="size-4" aria-hidden />} blocked={link.made_by === who.user.name ? u.linkOwn : why} busy={confirm.isPending} aria-label={`${u.linkConfirm}: ${link.user}`} onClick={() => confirm.mutate()}>{u.linkConfirm}</Button>
          <Button size="sm" look="danger" icon={<X className="size-4" aria-hidden />} blocked={why} busy={refuse.isPending} aria-label={`${u.linkRefuse}: ${link.user}`} onClick={() => refuse.mutate()}>{u.linkRefuse}</Button>
        </span>
      </span>
    </Notice>
  );
}

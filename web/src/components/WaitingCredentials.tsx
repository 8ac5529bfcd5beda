import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, X } from "lucide-react";

import { api } from "../api/client";
import type { WaitingCredential } from "../api/nouns";
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

/** Links, tokens and keys that do not work before somebody else has confirmed them: of one user, or of all that one looks after. */
export function WaitingCredentials({ user }: { user?: string }) {
  const { can } = useCan();
  const waiting = useQuery({ ...q.waitingCredentials(), enabled: can("user:read") });
  const items = waiting.data?.items.filter((each) => user === undefined || each.user === user) ?? [];
  if (items.length === 0) return null;
  return <div className="mb-6 space-y-2">{items.map((each) => <Waiting key={each.id} made={each} named={user === undefined} />)}</div>;
}

const confirmed = ({ kind, id, user }: WaitingCredential) => ({ link: () => api.userLinkConfirm(user), token: () => api.tokenConfirm(id), ssh_key: () => api.sshKeyConfirm(id) })[kind]();
const refused = ({ kind, id, user }: WaitingCredential) => ({ link: () => api.userLinkRefuse(user), token: () => api.tokenRevoke(id), ssh_key: () => api.sshKeyRemove(id) })[kind]();

function Waiting({ made, named }: { made: WaitingCredential; named: boolean }) {
  const who = useWho();
  const { blocked } = useCan();
  const why = blocked("user:write", made.scope);
  const confirm = useMutation({ mutationFn: async () => { await confirmed(made); }, onSuccess: () => toast("ok", u.linkConfirmed[made.kind]) });
  const refuse = useMutation({ mutationFn: async () => { await refused(made); }, onSuccess: () => toast("ok", u.linkRefused[made.kind]) });
  const about = made.label ? `${made.user}, ${made.label}` : made.user;
  return (
    <Notice tone="warn" title={u.linkWaits[made.kind]}>
      <span className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="min-w-0 flex-1 basis-64">
          {named ? <><Link to={pb.user(made.user)} className="underline underline-offset-2"><Mono>{made.user}</Mono></Link>: </> : null}{made.label ? <><Mono className="break-all">{made.label}</Mono>. </> : null}{u.linkMadeBy} <Mono>{made.made_by}</Mono>, <Ago at={made.created_at} />. {made.works_from ? <>{u.linkWorksFrom} <When at={made.works_from} />.</> : u.linkWaitsBody}
        </span>
        <span className="flex gap-2">
          <Button size="sm" look="primary" icon={<Check className="size-4" aria-hidden />} blocked={made.made_by === who.user.name ? u.linkOwn : why} busy={confirm.isPending} aria-label={`${u.linkConfirm}: ${about}`} onClick={() => confirm.mutate()}>{u.linkConfirm}</Button>
          <Button size="sm" look="danger" icon={<X className="size-4" aria-hidden />} blocked={why} busy={refuse.isPending} aria-label={`${u.linkRefuse}: ${about}`} onClick={() => refuse.mutate()}>{u.linkRefuse}</Button>
        </span>
      </span>
    </Notice>
  );
}

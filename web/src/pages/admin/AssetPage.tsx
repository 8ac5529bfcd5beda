import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { KeySquare, Pencil, Plus } from "lucide-react";

import { api } from "../../api/client";
import type { Asset, HostKey } from "../../api/nouns";
import { q } from "../../api/queries";
import { CopyButton, CopyLine, Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { AccountBadge, HostKeyBadge, ReadyBadge } from "../../components/states";
import { Ago, When } from "../../components/When";
import { AccountPut } from "../../forms/account-put";
import { AssetPut, isDatabase } from "../../forms/asset-put";
import { SecretPut } from "../../forms/secret-put";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Tag } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Blank, Notice, Skeleton } from "../../ui/feedback";
import { Facts, Page, Panel, Section } from "../../ui/Page";
import { pb } from "../../util/path-builder";

export function AssetPage() {
  const { name = "" } = useParams({ strict: false });
  const asset = useQuery(q.asset(name));
  const above = <Crumb to={pb.assets()} text={t.assets.title} />;
  if (asset.isError && !asset.data) return <Page title={name} above={above}><Panel><QueryError error={asset.error} onRetry={() => void asset.refetch()} /></Panel></Page>;
  if (!asset.data) return <Page title={<Mono>{name}</Mono>} above={above}><Skeleton className="h-64 w-full" /></Page>;
  return <Shown asset={asset.data} />;
}

function Shown({ asset }: { asset: Asset }) {
  const { blocked } = useCan();
  const { dialog, item, open, close } = useDialog();
  const accounts = useQuery(q.accounts({ asset: asset.name, limit: 100 }));
  const keys = useQuery(q.hostKeys(asset.name));
  const key = keys.data?.items.find((each) => each.fingerprint === item);
  const account = accounts.data?.items.find((each) => each.name === item);
  const decide = blocked("host_key:write", asset.scope);
  const pinned = keys.data?.items.some((each) => each.state === "pinned") ?? false;
  return (
    <Page
      name={asset.name}
      above={<Crumb to={pb.assets()} text={t.assets.title} />}
      title={<Mono className="!text-[1.125rem]">{asset.name}</Mono>}
      lead={<span className="flex flex-wrap items-center gap-x-3 gap-y-1"><span>{t.assets.platforms[asset.platform]}</span><Mono>{asset.address}</Mono></span>}
      actions={<Button blocked={blocked("asset:write", asset.scope)} icon={<Pencil className="size-4" aria-hidden />} onClick={() => open("edit")}>{t.assets.edit}</Button>}
    >
      <div className="flex flex-col gap-8">
        <Panel className="px-4 py-4">
          <Facts columns items={[[t.assets.scope, <Mono key="s">{asset.scope}</Mono>], [t.assets.labels, <span key="l" className="flex flex-wrap gap-1">{Object.entries(asset.labels).map(([key, value]) => <Tag key={key}>{`${key}=${value}`}</Tag>)}</span>], [t.assets.created, <When key="c" at={asset.created_at} />], [t.requests.id, <Mono key="i">{asset.id}</Mono>]]} />
        </Panel>
        {isDatabase(asset.platform) ? <ColumnTags tags={asset.column_tags ?? {}} /> : (
          <Section title={t.assets.hostKeys} aside={<span className="text-xs text-muted">{t.assets.hostKeysLead}</span>}>
            <Panel>
              {keys.isError ? <QueryError error={keys.error} onRetry={() => void keys.refetch()} /> : null}
              {keys.data?.items.length === 0 ? <Blank icon={<KeySquare />} title={t.assets.hostKeysNone}>{t.assets.hostKeysNoneBody}</Blank> : null}
              <ul>
                {keys.data?.items.map((each) => (
                  <li key={each.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b px-4 py-2.5 text-sm last:border-b-0">
                    <span className="w-28"><HostKeyBadge state={each.state} /></span>
                    <span className="flex min-w-0 flex-[1_1_22rem] items-center gap-1"><code className="font-mono text-xs [overflow-wrap:anywhere]">{each.fingerprint}</code><CopyButton text={each.fingerprint} label={t.actions.copy} /></span>
                    <span className="font-mono text-xs text-muted">{each.public_key.split(" ")[0]}</span>
                    <span className="text-xs text-muted">{t.assets.seen} <Ago at={each.seen_at} /></span>
                    <span className="flex gap-2">
                      {each.state === "pinned" ? null : <Button size="sm" blocked={decide} onClick={() => open("pin", each.fingerprint)}>{t.assets.pin}</Button>}
                      {each.state === "rejected" ? null : <Button size="sm" look="danger" blocked={decide} onClick={() => open("reject", each.fingerprint)}>{t.assets.reject}</Button>}
                    </span>
                  </li>
                ))}
              </ul>
            </Panel>
          </Section>
        )}
        <Section title={t.assets.accounts} aside={<Button size="sm" blocked={blocked("asset:write", asset.scope)} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("add-account")}>{t.accounts.add}</Button>}>
            <Panel>
              {accounts.isPending ? <div className="p-4"><Skeleton className="w-1/2" /></div> : null}
              {accounts.data?.items.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.accounts.none}</p> : null}
              <ul>
                {accounts.data?.items.map((each) => (
                  <li key={each.id} className="flex flex-wrap items-center gap-x-4 gap-y-1.5 border-b px-4 py-2 text-sm last:border-b-0">
                    <Mono className="min-w-24 flex-1 font-medium">{each.name}</Mono>
                    <span className="text-xs text-muted">{t.accounts.credentials[each.credential]}</span>
                    <Link to={pb.sessions()} search={{ account: `${each.name}@${each.asset}` }} className="text-accent hover:underline">{t.nav.sessions}</Link>
                    <ReadyBadge account={each} />
                    <AccountBadge state={each.state} />
                    {each.credential === "ssh_certificate" ? null : <Button size="sm" blocked={blocked("secret:write", each.scope)} onClick={() => open("secret", each.name)}>{t.accounts.setSecret}</Button>}
                  </li>
                ))}
              </ul>
            </Panel>
            {accounts.data?.items.some((each) => each.credential === "ssh_certificate") ? <Authority /> : null}
          </Section>
      </div>
      {dialog === "edit" ? <AssetPut asset={asset} onClose={close} /> : null}
      {dialog === "add-account" ? <AccountPut asset={asset.name} onClose={close} /> : null}
      {dialog === "secret" && account ? <SecretPut account={account} onClose={close} /> : null}
      {(dialog === "pin" || dialog === "reject") && key ? <Decide hostKey={key} state={dialog === "pin" ? "pinned" : "rejected"} other={pinned && key.state !== "pinned"} onClose={close} /> : null}
    </Page>
  );
}

/** What the asset's columns hold, for policies that hide by tag. */
function ColumnTags({ tags }: { tags: NonNullable<Asset["column_tags"]> }) {
  const rows = Object.entries(tags);
  return (
    <Section title={t.assets.columnTags} aside={<span className="text-xs text-muted">{t.assets.columnTagsLead}</span>}>
      <Panel>
        {rows.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.assets.columnTagsNone}</p> : null}
        <ul>
          {rows.map(([tag, columns]) => (
            <li key={tag} className="flex flex-wrap items-baseline gap-x-4 gap-y-1 border-b px-4 py-2 text-sm last:border-b-0">
              <Mono className="min-w-28 font-medium">{tag}</Mono>
              <span className="min-w-0 flex-[1_1_14rem] font-mono text-xs text-muted [overflow-wrap:anywhere]">{columns.join(", ")}</span>
            </li>
          ))}
        </ul>
      </Panel>
    </Section>
  );
}

/** What an asset must trust for the certificates that Postern signs for each session. */
function Authority() {
  const ca = useQuery(q.sshCa());
  if (!ca.data) return null;
  return (
    <div className="mt-3 max-w-3xl">
      <p className="mb-1 text-xs text-muted">{t.assets.authority}</p>
      <CopyLine text={ca.data.public_key} label={t.actions.copy} />
    </div>
  );
}

function Decide({ hostKey, state, other, onClose }: { hostKey: HostKey; state: "pinned" | "rejected"; other: boolean; onClose: () => void }) {
  const pin = state === "pinned";
  const decide = useMutation({
    meta: { inline: true },
    mutationFn: () => api.hostKeyDecide(hostKey.asset, hostKey.fingerprint, state),
    onSuccess: () => { toast("ok", pin ? t.assets.pinned : t.assets.rejected); onClose(); },
  });
  return (
    <ReasonDialog title={pin ? t.assets.pinTitle : t.assets.rejectTitle} about={pin ? t.assets.pinBody : t.assets.rejectBody} submit={pin ? t.assets.pin : t.assets.reject} danger={!pin} busy={decide.isPending} error={decide.error} onSubmit={() => decide.mutate()} onClose={onClose}>
      <code className="block rounded-md bg-sunken px-3 py-2.5 font-mono text-sm [overflow-wrap:anywhere]">{hostKey.fingerprint}</code>
      <code className="mt-2 block font-mono text-2xs text-muted">{`ssh-keygen -lf /etc/ssh/ssh_host_${hostKey.public_key.includes("ed25519") ? "ed25519" : hostKey.public_key.includes("ecdsa") ? "ecdsa" : "rsa"}_key.pub`}</code>
      {pin && other ? <div className="mt-3"><Notice tone="warn">{t.assets.other}</Notice></div> : null}
    </ReasonDialog>
  );
}

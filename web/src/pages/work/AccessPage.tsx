import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { Access } from "../../api/nouns";
import { q } from "../../api/queries";
import { AccessAction, AccessBadge } from "../../components/AccessAction";
import { Mono } from "../../components/Copy";
import { DemandLine } from "../../components/Demands";
import { CheckoutOpen } from "../../forms/checkout-open";
import { ConnectToken } from "../../forms/connect-token";
import { RequestCreate } from "../../forms/request-create";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SearchBox } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Tag } from "../../ui/Badge";
import { Dialog } from "../../ui/Dialog";
import { Blank, Skeleton } from "../../ui/feedback";
import { Page } from "../../ui/Page";

export function AccessPage() {
  const { search, filter } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const access = useQuery(q.access({ q: search.q, label: search.label, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));

  const columns: Column<Access>[] = [
    { id: "account", header: t.access.account, sort: "account", narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
    {
      id: "labels", header: t.access.labels, narrow: "hide",
      cell: (row) => (
        <span className="flex gap-1 max-xl:flex-wrap">
          {Object.entries(row.asset.labels).map(([name, value]) => (
            <button key={name} type="button" className="rounded-sm hover:[&>span]:border-line-strong" onClick={() => filter({ label: `${name}=${value}` })}><Tag>{`${name}=${value}`}</Tag></button>
          ))}
        </span>
      ),
    },
    { id: "demands", header: t.access.demands, cell: (row) => <DemandLine demands={row.demands} /> },
    { id: "state", header: t.access.state, width: "8rem", narrow: "aside", cell: (row) => <AccessBadge state={row.state} /> },
    { id: "how", header: t.access.how, width: "19rem", quiet: true, className: "xl:min-w-72", cell: (row) => <AccessAction access={row} onOpen={open} /> },
  ];

  return (
    <Page title={t.access.title} lead={t.access.lead}>
      <Filters>
        <SearchBox label={t.access.search} wide />
        <SearchBox name="label" label={t.access.label} wide />
      </Filters>
      <DataTable
        label={t.access.title}
        query={access}
        columns={columns}
        rowKey={(row) => row.account}
        empty={<EmptyList icon={<KeyRound />} filtered={Boolean(search.q ?? search.label)} onClear={() => filter({ q: undefined, label: undefined })} title={t.access.none}>{t.access.noneBody}</EmptyList>}
      />
      <Pager next={access.data?.next} total={access.data?.total} countedMax={500} />
      <AccessDialogs dialog={dialog} account={item} onClose={close} />
    </Page>
  );
}

// The server looks for names of assets and accounts one by one, not for the two together.
const FOUND_MAX = 200;

/** The dialogs for an account that is named in the URL, wherever they are opened from. */
export function AccessDialogs({ dialog, account, onClose }: { dialog: string | undefined; account: string | undefined; onClose: () => void }) {
  if (!account) return null;
  if (dialog === "request") return <RequestDialog key={account} account={account} onClose={onClose} />;
  if (dialog === "emergency") return <RequestDialog key={account} account={account} emergency onClose={onClose} />;
  if (dialog === "connect") return <ConnectDialog key={account} account={account} onClose={onClose} />;
  if (dialog === "checkout") return <CheckoutDialog key={account} account={account} onClose={onClose} />;
  return null;
}

function useAccess(account: string) {
  return useQuery({
    queryKey: ["access", "one", account],
    queryFn: async ({ signal }) => (await api.accessList({ q: account.slice(account.lastIndexOf("@") + 1), limit: FOUND_MAX }, signal)).items.find((each) => each.account === account) ?? null,
  });
}

function ConnectDialog({ account, onClose }: { account: string; onClose: () => void }) {
  const protocol = useAccess(account).data?.connect;
  // What it is reached by does not change while the token is being made.
  const [first, setFirst] = useState(protocol);
  if (!first && protocol) setFirst(protocol);
  return first ? <ConnectToken account={account} protocol={first} onClose={onClose} /> : null;
}

function CheckoutDialog({ account, onClose }: { account: string; onClose: () => void }) {
  const seconds = useAccess(account).data?.demands?.checkout_seconds;
  // Once it is checked out the answer is what counts: what can be done next may change meanwhile.
  const [first, setFirst] = useState(seconds);
  if (first === undefined && seconds !== undefined) setFirst(seconds);
  return first ? <CheckoutOpen account={account} seconds={first} onClose={onClose} /> : null;
}

function RequestDialog({ account, emergency = false, onClose }: { account: string; emergency?: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const found = useAccess(account);
  if (found.data) {
    return <RequestCreate access={found.data} emergency={emergency} onClose={onClose} onDone={(request) => (request.state === "pending" ? void navigate({ to: "/requests/$id", params: { id: request.id } }) : onClose())} />;
  }
  return (
    <Dialog title={t.requestForm.title(account)} onClose={onClose}>
      {found.isPending ? <Skeleton className="h-48 w-full" /> : <Blank title={t.requestForm.notThere} />}
    </Dialog>
  );
}

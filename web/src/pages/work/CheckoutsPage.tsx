import { useQuery } from "@tanstack/react-query";
import { KeySquare } from "lucide-react";

import type { Checkout } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { CheckoutBadge } from "../../components/states";
import { Left, When } from "../../components/When";
import { useCheckin } from "../../forms/checkout-open";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";

const c = t.checkouts;

/** Secrets that people have seen, and giving them back. */
export function CheckoutsPage() {
  const who = useWho();
  const { blocked } = useCan();
  const { search, filter } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const checkouts = useQuery(q.checkouts({ open: search.live === "true" || undefined, q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = checkouts.data?.items.find((checkout) => checkout.id === item);
  const why = (row: Checkout) => (row.user === who.user.name ? undefined : blocked("rotation:write", row.scope));
  const columns: Column<Checkout>[] = [
    { id: "account", header: c.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
    { id: "user", header: c.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "reason", header: c.reason, cell: (row) => <span className="line-clamp-2 max-w-[52ch] md:line-clamp-1" title={row.reason}>{row.reason}</span> },
    { id: "opened", header: c.opened, sort: "opened_at", cell: (row) => <When at={row.opened_at} /> },
    { id: "ends", header: c.ends, sort: "ends_at", cell: (row) => (row.state === "open" ? <Left until={row.ends_at} /> : <When at={row.ended_at} />) },
    { id: "state", header: c.state, width: "8rem", narrow: "aside", cell: (row) => <CheckoutBadge state={row.state} /> },
    { id: "close", header: c.checkin, quiet: true, width: "7rem", cell: (row) => (row.state === "open" ? <Button size="sm" blocked={why(row)} aria-label={`${c.checkin}: ${row.account}`} onClick={() => open("checkin", row.id)}>{c.checkin}</Button> : null) },
  ];
  return (
    <Page title={c.title} lead={c.lead}>
      <Filters>
        <SearchBox label={c.search} />
        <Choice name="live" label={c.state} options={[["", c.all], ["true", c.states.open]]} />
      </Filters>
      <DataTable label={c.title} query={checkouts} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<KeySquare />} filtered={search.live === "true" || Boolean(search.q)} onClear={() => filter({ live: undefined, q: undefined })} title={c.none}>{c.noneBody}</EmptyList>} />
      <Pager next={checkouts.data?.next} total={checkouts.data?.total} />
      {dialog === "checkin" && chosen ? <Checkin checkout={chosen} onClose={close} /> : null}
    </Page>
  );
}

function Checkin({ checkout, onClose }: { checkout: Checkout; onClose: () => void }) {
  const giveBack = useCheckin(onClose);
  return <ReasonDialog title={c.checkinTitle(checkout.account)} about={c.checkinBody} submit={c.checkin} busy={giveBack.isPending} error={giveBack.error} onSubmit={() => giveBack.mutate(checkout.id)} onClose={onClose} />;
}

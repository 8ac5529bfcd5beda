import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus, Server } from "lucide-react";

import type { Asset } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { When } from "../../components/When";
import { AssetPut, PLATFORMS } from "../../forms/asset-put";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SearchBox, SelectFilter, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Tag } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const COLUMNS: Column<Asset>[] = [
  { id: "name", header: t.assets.name, sort: "name", narrow: "title", cell: (row) => <Mono className="font-medium">{row.name}</Mono> },
  { id: "platform", header: t.assets.platform, sort: "platform", cell: (row) => t.assets.platforms[row.platform] },
  { id: "address", header: t.assets.address, sort: "address", cell: (row) => <Mono className="text-muted">{row.address}</Mono> },
  { id: "labels", header: t.assets.labels, cell: (row) => <span className="flex flex-wrap gap-1">{Object.entries(row.labels).map(([name, value]) => <Tag key={name}>{`${name}=${value}`}</Tag>)}</span> },
  { id: "scope", header: t.assets.scope, cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
  { id: "created", header: t.assets.created, narrow: "hide", cell: (row) => <When at={row.created_at} /> },
];

export function AssetsPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const navigate = useNavigate();
  const { dialog, open, close } = useDialog();
  const assets = useQuery(q.assets({ q: search.q, label: search.label, platform: search.platform, scope: search.scope, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const filtered = Boolean(search.q ?? search.label ?? search.platform ?? search.scope);
  return (
    <Page title={t.assets.title} lead={t.assets.lead} actions={<Button look="primary" blocked={blocked("asset:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("create")}>{t.assets.add}</Button>}>
      <Filters>
        <SearchBox label={t.assets.search} wide />
        <SelectFilter name="platform" label={t.assets.platform} options={PLATFORMS.map((each) => [each, t.assets.platforms[each]])} />
        <TextFilter name="label" label={t.access.label} className="font-mono sm:w-56" />
        <TextFilter name="scope" label={t.assets.scope} className="font-mono" />
      </Filters>
      <DataTable label={t.assets.title} query={assets} columns={COLUMNS} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.asset(row.name) })} empty={<EmptyList icon={<Server />} filtered={filtered} onClear={() => filter({ q: undefined, label: undefined, platform: undefined, scope: undefined })} title={t.assets.none}>{t.assets.noneBody}</EmptyList>} />
      <Pager next={assets.data?.next} total={assets.data?.total} />
      {dialog === "create" ? <AssetPut onClose={close} onDone={(name) => void navigate({ to: pb.asset(name) })} /> : null}
    </Page>
  );
}

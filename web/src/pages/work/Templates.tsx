import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BookmarkPlus, Bookmark } from "lucide-react";

import { api } from "../../api/client";
import type { RequestTemplate } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { TemplateCreate } from "../../forms/template-create";
import { useDialog } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Button } from "../../ui/Button";
import { buttonClass } from "../../ui/Press";
import { pb } from "../../util/path-builder";
import { duration } from "../../util/time";

const c = t.templates;

export function KeepTemplate() {
  const { blocked } = useCan();
  const { open } = useDialog();
  return <Button blocked={blocked("request:create")} icon={<BookmarkPlus className="size-4" aria-hidden />} onClick={() => open("template")}>{c.add}</Button>;
}

/** Wishes that are kept: one's own, and those that are shared with one. */
export function Templates() {
  const who = useWho();
  const { can } = useCan();
  const { dialog, item, open, close } = useDialog();
  const templates = useQuery(q.templates({}));
  const chosen = templates.data?.items.find((each) => each.id === item);
  const governs = (row: RequestTemplate) => row.user === who.user.name || (typeof row.scope === "string" && can("policy:write", row.scope));
  const columns: Column<RequestTemplate>[] = [
    { id: "name", header: c.name, narrow: "title", cell: (row) => <span className="font-medium md:block md:min-w-36">{row.name}</span> },
    { id: "accounts", header: c.accounts, cell: (row) => <span className="flex flex-wrap gap-x-2">{(row.wish.accounts ?? []).map((each) => <Mono key={each}>{each}</Mono>)}</span> },
    { id: "duration", header: c.duration, width: "5rem", cell: (row) => duration(row.wish.duration_seconds) },
    { id: "reason", header: c.reason, cell: (row) => (row.wish.reason ? <span className="line-clamp-2 max-w-[52ch] text-pretty text-muted" title={row.wish.reason}>{row.wish.reason}</span> : null) },
    { id: "ticket", header: c.ticket, cell: (row) => (row.wish.ticket ? <Mono>{row.wish.ticket}</Mono> : null) },
    { id: "shared", header: c.shared, width: "9rem", cell: (row) => (row.scope ? <Mono>{row.scope}</Mono> : <span className="text-faint">{c.mineOnly}</span>) },
    { id: "user", header: c.of, width: "6rem", cell: (row) => <Mono>{row.user}</Mono> },
    { id: "act", header: c.ask, quiet: true, width: "10rem", cell: (row) => <Acts template={row} removable={governs(row)} onRemove={() => open("remove", row.id)} /> },
  ];
  return (
    <>
      <DataTable label={c.title} query={templates} columns={columns} rowKey={(row) => row.id} skeletonRows={3} empty={<EmptyList icon={<Bookmark />} filtered={false} onClear={() => undefined} title={c.none}>{c.noneBody}</EmptyList>} />
      {dialog === "template" ? <TemplateCreate onClose={close} /> : null}
      {dialog === "remove" && chosen ? <Remove template={chosen} onClose={close} /> : null}
    </>
  );
}

function Acts({ template, removable, onRemove }: { template: RequestTemplate; removable: boolean; onRemove: () => void }) {
  const [first] = template.wish.accounts ?? [];
  return (
    <span className="flex justify-end gap-2">
      {first ? <Link to={pb.access()} search={{ dialog: "request", item: first, template: template.id }} className={buttonClass("secondary", "sm")} aria-label={c.askBy(template.name)}>{c.ask}</Link> : null}
      <Button size="sm" blocked={removable ? undefined : c.notYours} aria-label={c.removeOf(template.name)} onClick={onRemove}>{t.actions.remove}</Button>
    </span>
  );
}

function Remove({ template, onClose }: { template: RequestTemplate; onClose: () => void }) {
  const remove = useMutation({
    meta: { inline: true },
    mutationFn: () => api.templateDelete(template.id),
    onSuccess: () => {
      toast("ok", c.removed);
      onClose();
    },
  });
  return <ReasonDialog title={c.removeOf(template.name)} about={template.scope ? c.removeShared(template.scope) : c.removeBody} submit={t.actions.remove} danger busy={remove.isPending} error={remove.error} onSubmit={() => remove.mutate()} onClose={onClose} />;
}

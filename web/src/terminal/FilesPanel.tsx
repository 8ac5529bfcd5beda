import { useMutation, useQuery } from "@tanstack/react-query";
import { CornerLeftUp, Download, File as FilePicture, Folder, FolderPlus, Link2, MoreHorizontal, RefreshCw, Trash2, Upload, X } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import type { DragEvent, FormEvent } from "react";

import { api } from "../api/client";
import type { FileEntry } from "../api/nouns";
import { q } from "../api/queries";
import { QueryError } from "../components/QueryError";
import { ReasonDialog } from "../components/ReasonDialog";
import { When } from "../components/When";
import { t } from "../i18n";
import { IconButton } from "../ui/Button";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/feedback";
import { Menu } from "../ui/Menu";
import { bytes } from "../util/time";
import { NameDialog } from "./NameDialog";
import { TransferList } from "./TransferList";
import { join, parent } from "./transfer";
import { useTransfers } from "./useTransfers";

const PICTURES = { file: FilePicture, folder: Folder, link: Link2, other: FilePicture };

type Ask = { kind: "folder" } | { kind: "rename" | "remove"; entry: FileEntry };

/** The files of the session's account, over SFTP. */
export function FilesPanel({ session, writeBlocked, onClose }: { session: string; writeBlocked: string | undefined; onClose: () => void }) {
  const [folder, setFolder] = useState("");
  const [ask, setAsk] = useState<Ask>();
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const listing = useQuery(q.files(session, folder));
  const { refetch } = listing;
  const reload = useCallback(() => void refetch(), [refetch]);
  const { transfers, send, fetchFile, overwrite, dismiss } = useTransfers(session, reload);
  const here = listing.data?.path ?? folder;

  const sendAll = (files: FileList | null | undefined) => {
    if (!writeBlocked) for (const file of files ?? []) send(here, file);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    sendAll(event.dataTransfer.files);
  };
  const open = (entry: FileEntry) => (entry.kind === "folder" || entry.kind === "link" ? setFolder(join(here, entry.name)) : fetchFile(here, entry.name, entry.bytes ?? undefined));

  return (
    <section
      aria-label={t.files.title}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={cx("flex min-h-0 flex-col border-l bg-surface max-lg:h-1/2 max-lg:border-t max-lg:border-l-0 lg:w-96", over && !writeBlocked && "bg-accent-soft")}
    >
      <div className="flex items-center gap-1 border-b py-1 pr-1 pl-2">
        <IconButton size="sm" label={t.files.up} onClick={() => setFolder(parent(here))}><CornerLeftUp className="size-4" aria-hidden /></IconButton>
        <PathField key={here} path={here} onPath={setFolder} />
        <IconButton size="sm" label={t.files.reload} onClick={reload}><RefreshCw className={cx("size-4", listing.isFetching && "animate-spin")} aria-hidden /></IconButton>
        <IconButton size="sm" label={t.files.newFolder} blocked={writeBlocked} onClick={() => setAsk({ kind: "folder" })}><FolderPlus className="size-4" aria-hidden /></IconButton>
        <IconButton size="sm" label={t.files.upload} blocked={writeBlocked} onClick={() => picker.current?.click()}><Upload className="size-4" aria-hidden /></IconButton>
        <IconButton size="sm" label={t.files.close} onClick={onClose}><X className="size-4" aria-hidden /></IconButton>
        <input ref={picker} type="file" multiple aria-label={t.files.choose} tabIndex={-1} className="sr-only" onChange={(event) => { sendAll(event.target.files); event.target.value = ""; }} />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {listing.isError ? <QueryError error={listing.error} onRetry={reload} /> : null}
        {listing.isPending ? <div className="space-y-2 p-4"><Skeleton className="w-2/3" /><Skeleton className="w-1/2" /></div> : null}
        {listing.data?.entries.length === 0 ? <p className="px-4 py-6 text-center text-sm text-muted">{t.files.empty}</p> : null}
        <ul aria-label={here}>
          {listing.isError ? null : listing.data?.entries.map((entry) => {
            const Picture = PICTURES[entry.kind];
            return (
              <li key={entry.name} className="flex items-center gap-2 py-0.5 pr-1 pl-2 text-sm hover:bg-hover">
                <button type="button" onClick={() => open(entry)} className="flex min-w-0 flex-1 items-center gap-2 rounded py-1 pl-1 text-left">
                  <Picture className={cx("size-4 shrink-0", entry.kind === "folder" ? "text-accent" : "text-muted")} aria-hidden />
                  <span className="min-w-0 flex-1 truncate font-mono text-xs" title={entry.name}>{entry.name}</span>
                  {entry.kind === "file" && typeof entry.bytes === "number" ? <span className="text-2xs text-muted">{bytes(entry.bytes)}</span> : null}
                  {entry.modified_at ? <span className="w-20 text-right text-2xs text-muted"><When at={entry.modified_at} /></span> : null}
                </button>
                <Menu
                  trigger={<IconButton size="sm" label={`${t.actions.more}: ${entry.name}`}><MoreHorizontal className="size-4" aria-hidden /></IconButton>}
                  items={[
                    { label: t.actions.download, icon: <Download />, blocked: entry.kind === "folder" ? t.files.noFolder : undefined, onSelect: () => fetchFile(here, entry.name, entry.bytes ?? undefined) },
                    { label: t.files.rename, icon: <FilePicture />, blocked: writeBlocked, onSelect: () => setAsk({ kind: "rename", entry }) },
                    { label: t.actions.remove, icon: <Trash2 />, danger: true, apart: true, blocked: writeBlocked, onSelect: () => setAsk({ kind: "remove", entry }) },
                  ]}
                />
              </li>
            );
          })}
        </ul>
        {listing.data?.truncated ? <p className="px-4 py-2 text-xs text-muted">{t.files.truncated}</p> : null}
      </div>
      {writeBlocked ? null : <p className="border-t px-3 py-1.5 text-2xs text-muted">{t.files.dropHint}</p>}
      <TransferList transfers={transfers} onOverwrite={overwrite} onDismiss={dismiss} />
      {ask ? <Asked session={session} folder={here} ask={ask} onDone={() => { setAsk(undefined); reload(); }} onClose={() => setAsk(undefined)} /> : null}
    </section>
  );
}

function PathField({ path, onPath }: { path: string; onPath: (path: string) => void }) {
  const [text, setText] = useState(path);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onPath(text.trim());
  };
  return (
    <form onSubmit={submit} className="min-w-0 flex-1">
      <input aria-label={t.files.path} value={text} onChange={(event) => setText(event.target.value)} spellCheck={false} className="h-7 w-full rounded-md border border-transparent bg-transparent px-1.5 font-mono text-xs hover:border-line" />
    </form>
  );
}

function Asked({ session, folder, ask, onDone, onClose }: { session: string; folder: string; ask: Ask; onDone: () => void; onClose: () => void }) {
  const run = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: (name: string) => {
      if (ask.kind === "folder") return api.folderMake(session, join(folder, name));
      const at = join(folder, ask.entry.name);
      return ask.kind === "rename" ? api.fileRename(session, at, join(folder, name)) : api.fileRemove(session, at);
    },
    onSuccess: onDone,
  });
  if (ask.kind === "remove") return <ReasonDialog title={t.files.removeTitle(ask.entry.name)} about={t.files.removeBody} submit={t.actions.remove} danger busy={run.isPending} error={run.error} onSubmit={() => run.mutate("")} onClose={onClose} />;
  const renamed = ask.kind === "rename" ? ask.entry.name : "";
  return <NameDialog title={renamed ? t.files.renameTitle(renamed) : t.files.newFolder} label={renamed ? t.files.newName : t.files.folderName} value={renamed} submit={renamed ? t.files.rename : t.actions.create} busy={run.isPending} error={run.error} onSubmit={(name) => run.mutate(name)} onClose={onClose} />;
}

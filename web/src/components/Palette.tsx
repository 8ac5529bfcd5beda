import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useDeferredValue, useEffect, useId, useMemo, useRef, useState } from "react";
import type { KeyboardEvent } from "react";

import { q } from "../api/queries";
import { useOpenTerminal } from "../hooks/useOpenTerminal";
import { useCan, useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { navFor } from "../layouts/nav";
import { toast } from "../stores/toast";
import { cx } from "../ui/cx";
import { pb } from "../util/path-builder";

interface Entry {
  group: string;
  text: string;
  hint?: string;
  run: () => void;
}

const PER_GROUP_MAX = 6;

function matches(text: string, typed: string): boolean {
  const lower = text.toLowerCase();
  return typed.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
}

function useEntries(typed: string): Entry[] {
  const who = useWho();
  const { can } = useCan();
  const navigate = useNavigate();
  const { mutate: open } = useOpenTerminal();
  const asked = useDeferredValue(typed.trim());
  const long = asked.length >= 2;
  const access = useQuery({ ...q.access({ q: asked.slice(asked.lastIndexOf("@") + 1), limit: PER_GROUP_MAX }), enabled: long });
  const users = useQuery({ ...q.users({ q: asked, limit: PER_GROUP_MAX }), enabled: long && can("user:read") });
  const assets = useQuery({ ...q.assets({ q: asked, limit: PER_GROUP_MAX }), enabled: long && can("asset:read") });
  const live = useQuery({ ...q.sessions({ live: true, limit: 20 }) });

  return useMemo(() => {
    const pages = navFor(who)
      .flatMap((group) => group.items)
      .concat({ to: pb.profile(), label: t.nav.profile, icon: Search })
      .filter((item) => matches(item.label, typed))
      .map((item): Entry => ({ group: t.palette.pages, text: item.label, run: () => void navigate({ to: item.to }) }));
    const accounts = (long ? (access.data?.items ?? []) : []).flatMap((item): Entry[] => {
      const { ssh } = item;
      if (item.state === "ready" && ssh) {
        return [
          { group: t.palette.accounts, text: t.palette.terminal(item.account), run: () => open(item.account) },
          { group: t.palette.accounts, text: t.palette.copySsh(item.account), hint: ssh, run: () => void navigator.clipboard.writeText(ssh).then(() => toast("ok", t.common.copied), () => toast("bad", t.errors.clipboard)) },
        ];
      }
      const at = (dialog: string) => () => void navigate({ to: pb.access(), search: { q: item.asset.name, dialog, item: item.account } });
      if (item.state === "ready" && (item.connect === "postgresql" || item.connect === "mysql")) {
        return [
          { group: t.palette.accounts, text: t.sql.openFor(item.account), run: () => void navigate({ to: pb.sql(), search: { account: item.account } }) },
          { group: t.palette.accounts, text: t.connect.openFor(item.account), run: at("connect") },
        ];
      }
      if (item.state === "ready" && item.connect) return [{ group: t.palette.accounts, text: t.connect.openFor(item.account), run: at("connect") }];
      if (item.state === "ready") return [{ group: t.palette.accounts, text: item.account, run: () => void navigate({ to: pb.access(), search: { q: item.asset.name } }) }];
      return [{ group: t.palette.accounts, text: t.palette.request(item.account), run: at("request") }];
    });
    const people = (long ? (users.data?.items ?? []) : []).map((item): Entry => ({ group: t.palette.users, text: item.name, hint: item.email ?? "", run: () => void navigate({ to: pb.user(item.name) }) }));
    const things = (long ? (assets.data?.items ?? []) : []).map((item): Entry => ({ group: t.palette.assets, text: item.name, hint: item.address, run: () => void navigate({ to: pb.asset(item.name) }) }));
    const sessions = (live.data?.items ?? [])
      .filter((item) => matches(`${item.user} ${item.account}`, typed))
      .slice(0, PER_GROUP_MAX)
      .map((item): Entry => ({ group: t.palette.sessions, text: t.palette.watch(item.user, item.account), run: () => void navigate({ to: pb.session(item.id) }) }));
    return typed.trim() === "" ? [...pages, ...sessions] : [...accounts, ...pages, ...people, ...things, ...sessions];
  }, [typed, long, who, access.data, users.data, assets.data, live.data, navigate, open]);
}

/** Everything that can be reached by typing. */
export function Palette({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const listId = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const entries = useEntries(typed);
  const chosen = Math.min(at, Math.max(0, entries.length - 1));

  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  useEffect(() => {
    document.getElementById(`${listId}-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [listId, chosen]);

  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && entries.length > 0) {
      event.preventDefault();
      setAt((chosen + step + entries.length) % entries.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(entries[chosen]);
    }
  };

  return (
    <dialog ref={ref} aria-label={t.palette.title} onCancel={(event) => { event.preventDefault(); onClose(); }} onMouseDown={(event) => event.target === ref.current && onClose()} className="fixed inset-x-0 top-[10vh] bottom-auto m-0 mx-auto max-h-[70vh] w-[calc(100%-1.5rem)] max-w-[38rem] flex-col overflow-hidden rounded-lg border bg-surface p-0 shadow-lift open:flex open:animate-[dialog-in_.12s_ease-out]">
      <div className="flex items-center gap-2.5 border-b px-4">
        <Search className="size-4 text-muted" aria-hidden />
        <input
          role="combobox"
          aria-expanded
          aria-controls={listId}
          aria-activedescendant={entries.length > 0 ? `${listId}-${chosen}` : undefined}
          aria-label={t.palette.title}
          placeholder={t.palette.placeholder}
          value={typed}
          onChange={(event) => { setTyped(event.target.value); setAt(0); }}
          onKeyDown={press}
          autoFocus
          className="h-12 flex-1 bg-transparent text-base outline-none focus-visible:outline-none"
        />
      </div>
      <div id={listId} role="listbox" aria-label={t.palette.title} className="min-h-24 flex-1 overflow-y-auto p-1.5">
        {entries.map((entry, index) => (
          <div key={`${entry.group}/${entry.text}`}>
            {entry.group !== entries[index - 1]?.group ? <div role="presentation" className="px-2.5 pt-2 pb-1 text-2xs font-medium text-faint">{entry.group}</div> : null}
            <div
              id={`${listId}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              onPointerMove={() => setAt(index)}
              onClick={() => run(entry)}
              onKeyDown={press}
              className={cx("flex cursor-pointer items-baseline gap-3 rounded-md px-2.5 py-1.5 text-sm", index === chosen && "bg-accent-soft")}
            >
              <span className="min-w-0 flex-1 truncate">{entry.text}</span>
              {entry.hint ? <span className="max-w-[50%] truncate font-mono text-2xs text-muted">{entry.hint}</span> : null}
            </div>
          </div>
        ))}
        {entries.length === 0 ? <p className="px-2.5 py-6 text-center text-sm text-muted">{t.palette.empty}</p> : null}
      </div>
      <p className="hidden border-t px-4 py-1.5 text-2xs text-faint sm:block">{t.palette.hint}</p>
    </dialog>
  );
}

import { useMutation } from "@tanstack/react-query";
import { Database } from "lucide-react";
import { useEffect, useState } from "react";

import { api } from "../../api/client";
import { messageOf } from "../../api/errors";
import type { SqlConsoleOpened } from "../../api/nouns";
import { useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { SqlWorkbench } from "../../sql/Workbench";
import { remember, remembered } from "../../stores/sql";
import { Blank, Notice } from "../../ui/feedback";
import { Press } from "../../ui/Press";
import { TextField } from "../../ui/Field";
import { Mono } from "../../components/Copy";
import { Link } from "@tanstack/react-router";
import { pb } from "../../util/path-builder";

/** `/sql?account=app@orders`: statements on a database, in the browser. */
export function SqlPage() {
  const { search } = useUrlState();
  const { account } = search;
  useEffect(() => {
    document.title = `${account ? `${account} · ` : ""}${t.sql.title} · ${t.product}`;
  }, [account]);
  if (!account) return <Blank icon={<Database />} title={t.sql.which} actions={<Link to={pb.access()} className="text-accent underline underline-offset-2">{t.nav.access}</Link>} />;
  return <OnAccount key={account} account={account} />;
}

function OnAccount({ account }: { account: string }) {
  const [opened, setOpened] = useState<SqlConsoleOpened | undefined>(() => remembered(account));
  return (
    <div className="flex h-[calc(100dvh-3rem)] flex-col lg:h-dvh">
      <h1 className="sr-only">{`${t.sql.title}: ${account}`}</h1>
      {opened ? <SqlWorkbench key={opened.console} opened={opened} onAgain={() => setOpened(undefined)} /> : <Open account={account} onOpened={setOpened} />}
    </div>
  );
}

function Open({ account, onOpened }: { account: string; onOpened: (opened: SqlConsoleOpened) => void }) {
  const { search, set } = useUrlState();
  const [database, setDatabase] = useState(search.database ?? "");
  const open = useMutation({
    meta: { inline: true },
    mutationFn: () => api.sqlConsoleOpen(account, database.trim()),
    onSuccess: (opened) => {
      set({ database: database.trim() || undefined }, { replace: true });
      remember(opened);
      onOpened(opened);
    },
  });
  return (
    <div className="mx-auto w-full max-w-md px-4 pt-[10vh]">
      <h2 className="text-xl font-semibold">{t.sql.title}</h2>
      <p className="mt-1 text-sm text-muted">{t.sql.on} <Mono>{account}</Mono>. {t.sql.recorded}</p>
      <form className="mt-5" onSubmit={(event) => { event.preventDefault(); if (!open.isPending) open.mutate(); }}>
        {open.error ? <div className="mb-4"><Notice tone="bad" live><span className="whitespace-pre-line">{messageOf(open.error)}</span></Notice></div> : null}
        <TextField label={t.sql.database} hint={t.sql.databaseHint} optional={t.common.optional} mono value={database} onChange={(event) => setDatabase(event.target.value)} autoFocus spellCheck={false} autoComplete="off" />
        <Press look="primary" type="submit" busy={open.isPending} className="mt-5 w-full">{t.sql.open}</Press>
      </form>
    </div>
  );
}

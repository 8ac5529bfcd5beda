import { useEffect } from "react";
import type { ReactNode } from "react";

import { t } from "../i18n";
import { cx } from "./cx";

/** The frame of a page: its name, what it is for, what can be done here. */
export function Page({ title, lead, actions, above, children, name }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; above?: ReactNode; children: ReactNode; name?: string }) {
  const heading = name ?? (typeof title === "string" ? title : undefined);
  useEffect(() => {
    document.title = heading ? `${heading} · ${t.product}` : t.product;
  }, [heading]);
  return (
    <div className="mx-auto w-full max-w-[96rem] px-4 pt-5 pb-16 sm:px-6 lg:px-8 3xl:max-w-[120rem]">
      {above}
      <header className="mb-5 flex flex-wrap items-start gap-x-6 gap-y-3">
        <div className="min-w-0 flex-1 basis-64">
          <h1 className="text-xl font-semibold tracking-[-0.01em] text-ink [overflow-wrap:anywhere]">{title}</h1>
          {lead ? <div className="mt-0.5 text-sm text-muted">{lead}</div> : null}
        </div>
        {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
      </header>
      {children}
    </div>
  );
}

/** A part of a page under a small heading. */
export function Section({ title, aside, children, className, id }: { title: ReactNode; aside?: ReactNode; children: ReactNode; className?: string; id?: string }) {
  return (
    <section className={cx("min-w-0", className)} {...(id ? { id } : {})}>
      <div className="mb-2 flex min-h-7 items-center justify-between gap-3">
        <h2 className="text-sm font-semibold whitespace-nowrap text-ink">{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** A ruled box for lists and facts. */
export function Panel({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={cx("rounded-lg border bg-surface", className)}>{children}</div>;
}

export type Fact = [label: string, value: ReactNode] | false | null | undefined;

/** Names and values, in as many columns as fit. */
export function Facts({ items, columns = false }: { items: Fact[]; columns?: boolean }) {
  return (
    <dl className={cx("grid gap-x-8 gap-y-3", columns ? "grid-cols-2 sm:grid-cols-3 xl:grid-cols-4" : "grid-cols-1")}>
      {items.map((item) =>
        item ? (
          <div key={item[0]} className={columns ? "min-w-0" : "grid min-w-0 grid-cols-[8.5rem_1fr] gap-3"}>
            <dt className="text-xs leading-5 text-muted">{item[0]}</dt>
            <dd className="min-w-0 text-sm text-ink [overflow-wrap:anywhere]">{item[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

import type { ReactNode } from "react";

import { Logo } from "../components/Logo";
import { t } from "../i18n/first";
import { cx } from "../ui/cx";

/** The frame of pages that are seen before signing in. */
export function AuthLayout({ title, lead, children, wide = false }: { title: string; lead?: ReactNode; children: ReactNode; wide?: boolean }) {
  return (
    <div className="flex min-h-dvh flex-col items-center px-4 py-10 sm:py-[12vh]">
      <title>{`${title} · ${t.product}`}</title>
      <div className={cx("w-full", wide ? "max-w-[32rem]" : "max-w-[22.5rem]")}>
        <header className="mb-7 flex items-center gap-2.5">
          <Logo className="size-8" />
          <span className="text-lg font-semibold tracking-[-0.01em]">{t.product}</span>
        </header>
        <main>
          <h1 className="text-2xl font-semibold tracking-[-0.015em] text-balance">{title}</h1>
          {lead ? <p className="mt-1 text-base text-muted">{lead}</p> : null}
          <div className="mt-6">{children}</div>
        </main>
      </div>
    </div>
  );
}

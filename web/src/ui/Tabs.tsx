import * as Radix from "@radix-ui/react-tabs";
import type { ReactNode } from "react";

export interface TabItem {
  value: string;
  label: ReactNode;
  count?: number | undefined;
}

/** Tabs whose choice the caller keeps, which is to say the URL. */
export function Tabs({ value, onChange, items, label, children }: { value: string; onChange: (value: string) => void; items: TabItem[]; label: string; children: ReactNode }) {
  return (
    <Radix.Root value={value} onValueChange={onChange}>
      <Radix.List aria-label={label} className="flex gap-1 overflow-x-auto overflow-y-hidden border-b">
        {items.map((item) => (
          <Radix.Trigger
            key={item.value}
            value={item.value}
            className="-mb-px flex h-9 shrink-0 items-center gap-1.5 border-b-2 border-transparent px-2.5 text-sm text-muted hover:text-ink focus-visible:outline-offset-[-2px] data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink"
          >
            {item.label}
            {item.count ? <span className="rounded-sm bg-accent-soft px-1 text-2xs font-semibold text-accent">{item.count}</span> : null}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {children}
    </Radix.Root>
  );
}

export function TabPanel({ value, children }: { value: string; children: ReactNode }) {
  return <Radix.Content value={value} className="focus-visible:outline-none">{children}</Radix.Content>;
}

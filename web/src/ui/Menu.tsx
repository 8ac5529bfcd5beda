import * as Radix from "@radix-ui/react-dropdown-menu";
import type { ReactNode } from "react";

import { cx } from "./cx";
import { usePortal } from "./portal";

export interface MenuItem {
  label: ReactNode;
  icon?: ReactNode;
  onSelect: () => void;
  danger?: boolean;
  blocked?: string | undefined;
  apart?: boolean;
}

/** A button's menu. What may not be chosen stays in it, with the reason. */
export function Menu({ trigger, items, label }: { trigger: ReactNode; items: MenuItem[]; label?: string }) {
  const container = usePortal();
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal container={container}>
        <Radix.Content align="end" sideOffset={4} collisionPadding={8} aria-label={label} className="z-50 min-w-52 rounded-lg border bg-surface p-1 shadow-lift">
          {items.map((item, index) => (
            <div key={index}>
              {item.apart ? <Radix.Separator className="my-1 h-px bg-line" /> : null}
              <Radix.Item
                disabled={Boolean(item.blocked)}
                onSelect={item.onSelect}
                className={cx(
                  "flex cursor-pointer items-start gap-2.5 rounded-md px-2.5 py-1.5 text-sm outline-none data-[highlighted]:bg-hover",
                  item.danger ? "text-bad" : "text-ink",
                  item.blocked && "cursor-not-allowed text-faint",
                )}
              >
                {item.icon ? <span className="mt-0.5 [&>svg]:size-4" aria-hidden>{item.icon}</span> : null}
                <span>
                  {item.label}
                  {item.blocked ? <span className="block max-w-52 text-xs text-muted">{item.blocked}</span> : null}
                </span>
              </Radix.Item>
            </div>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

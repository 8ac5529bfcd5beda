import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Ban, Handshake, Link2, MoreHorizontal, Pencil, RotateCcw, Shapes } from "lucide-react";

import type { ReactNode } from "react";

import type { User } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { RoleTags } from "../../components/RolesEditor";
import { SessionList } from "../../components/SessionList";
import { KindBadge, UserBadge } from "../../components/states";
import { UserReach } from "../../components/UserReach";
import { WaitingCredentials } from "../../components/WaitingCredentials";
import { Ago, When } from "../../components/When";
import { UserEdit, UserLink, UserRoles, UserState } from "../../forms/user-change";
import { UserVendor } from "../../forms/user-profile";
import { useDialog } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { Badge, Tag } from "../../ui/Badge";
import { Button, IconButton } from "../../ui/Button";
import { Skeleton } from "../../ui/feedback";
import { Menu } from "../../ui/Menu";
import { Facts, Page, Panel, Section } from "../../ui/Page";
import { pb } from "../../util/path-builder";

export function UserPage() {
  const { name = "" } = useParams({ strict: false });
  const user = useQuery(q.user(name));
  const above = <Crumb to={pb.users()} text={t.users.title} />;
  if (user.isError && !user.data) return <Page title={name} above={above}><Panel><QueryError error={user.error} onRetry={() => void user.refetch()} /></Panel></Page>;
  if (!user.data) return <Page title={<Mono>{name}</Mono>} above={above}><Skeleton className="h-64 w-full" /></Page>;
  return <Shown user={user.data} />;
}

function Shown({ user }: { user: User }) {
  const who = useWho();
  const { blocked, can } = useCan();
  const { dialog, open, close } = useDialog();
  const self = user.name === who.user.name ? t.can.self : undefined;
  const write = blocked("user:write", user.scope);
  return (
    <Page
      name={user.name}
      above={<Crumb to={pb.users()} text={t.users.title} />}
      title={<Mono className="!text-[1.125rem]">{user.name}</Mono>}
      lead={<span className="flex flex-wrap items-center gap-3"><UserBadge state={user.state} /><KindBadge user={user} /><span>{user.email}</span></span>}
      actions={
        <>
          <Button blocked={write} icon={<Pencil className="size-4" aria-hidden />} onClick={() => open("edit")}>{t.users.edit}</Button>
          <Button blocked={blocked("role:write", user.scope)} icon={<Shapes className="size-4" aria-hidden />} onClick={() => open("roles")}>{t.users.roles}</Button>
          <Menu
            trigger={<IconButton label={t.actions.more} className="border"><MoreHorizontal className="size-4" aria-hidden /></IconButton>}
            items={[
              ...(user.vendor ? [{ label: t.users.vendorTerms, icon: <Handshake />, blocked: write, onSelect: () => open("vendor") }] : []),
              { label: t.users.newLink, icon: <Link2 />, blocked: write, onSelect: () => open("link") },
              user.state === "disabled"
                ? { label: t.users.enable, icon: <RotateCcw />, blocked: write, onSelect: () => open("state") }
                : { label: t.users.disable, icon: <Ban />, danger: true, apart: true, blocked: self ?? write, onSelect: () => open("state") },
            ]}
          />
        </>
      }
    >
      <WaitingCredentials user={user.name} />
      <div className="grid gap-8 lg:grid-cols-2">
        <Section title={t.requests.facts}>
          <Panel className="px-4 py-4">
            <Facts
              items={[
                [t.users.roles, <RoleTags key="r" roles={user.roles} />],
                [t.users.groups, user.groups.length > 0 ? <span key="g" className="flex flex-wrap gap-1">{user.groups.map((group) => <Tag key={group}>{group}</Tag>)}</span> : <span key="g" className="text-faint">{t.common.none}</span>],
                [t.users.scope, <Mono key="s">{user.scope}</Mono>],
                ...vendorFacts(user),
                ...(user.identity ? [[t.users.identity, <Link className="font-mono underline" key="e" to={pb.user(user.identity)}>{user.identity}</Link>] as [string, ReactNode]] : []),
                ...((user.privileged_users ?? []).length > 0 ? [[t.users.privileged, <span key="pu" className="flex flex-wrap gap-x-3">{(user.privileged_users ?? []).map((each) => <Link key={each} className="font-mono underline" to={pb.user(each)}>{each}</Link>)}</span>] as [string, ReactNode]] : []),
                ...(Object.keys(user.attributes ?? {}).length > 0 ? [[t.users.attributes, <span key="a" className="flex flex-wrap gap-1">{Object.entries(user.attributes ?? {}).map(([name, value]) => <Tag key={name}>{name}={value}</Tag>)}</span>] as [string, ReactNode]] : []),
                [t.users.factor, user.totp ? <Badge key="f" tone="ok" icon="check">{t.users.factorOn}</Badge> : <Badge key="f" tone="warn" icon="alert">{t.users.factorOff}</Badge>],
                [t.users.seen, <Ago key="l" at={user.last_seen_at} />],
                [t.users.created, <When key="c" at={user.created_at} />],
                [t.requests.id, <Mono key="i">{user.id}</Mono>],
              ]}
            />
          </Panel>
        </Section>
        <Section title={t.users.recent}><SessionList query={{ user: user.name, limit: 8 }} empty={t.requests.recentNone} /></Section>
        {can("policy:read") ? <UserReach name={user.name} /> : null}
      </div>
      {dialog === "edit" ? <UserEdit user={user} onClose={close} /> : null}
      {dialog === "vendor" ? <UserVendor user={user} onClose={close} /> : null}
      {dialog === "roles" ? <UserRoles user={user} onClose={close} /> : null}
      {dialog === "link" ? <UserLink user={user} onClose={close} /> : null}
      {dialog === "state" ? <UserState user={user} onClose={close} /> : null}
    </Page>
  );
}

/** On which terms a vendor is let in. */
function vendorFacts({ vendor }: User): [string, ReactNode][] {
  if (!vendor) return [];
  const hours = (vendor.hours ?? []).map((each) => `${(each.days ?? []).map((day) => t.policies.days[day]).join(", ")} ${each.from}–${each.to} ${each.zone ?? "UTC"}`.trim());
  return [
    [t.users.sponsor, <span key="sp" className="flex flex-wrap items-center gap-2"><Link className="font-mono underline" to={pb.user(vendor.sponsor)}>{vendor.sponsor}</Link>{vendor.sponsored ? null : <Badge tone="bad" icon="alert">{t.users.sponsorGone}</Badge>}</span>],
    ...(vendor.company ? [[t.users.company, vendor.company] as [string, ReactNode]] : []),
    [t.users.vendorEnds, <When key="ve" at={vendor.ends_at} />],
    [t.users.vendorFrom, <Mono key="vn">{(vendor.networks ?? []).join(", ") || t.users.anywhere}</Mono>],
    [t.users.vendorHours, hours.join("; ") || t.users.anyHour],
  ];
}

import { useUrlState } from "../../hooks/useUrlState";
import { useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { Mono } from "../../components/Copy";
import { RoleTags } from "../../components/RolesEditor";
import { Ago } from "../../components/When";
import { Tag } from "../../ui/Badge";
import { Facts, Page, Panel } from "../../ui/Page";
import { TabPanel, Tabs } from "../../ui/Tabs";
import { Away } from "./Away";
import { Keys } from "./Keys";
import { Logins } from "./Logins";
import { Notices } from "./Notices";
import { Passkeys } from "./Passkeys";
import { Tokens } from "./Tokens";

export function ProfilePage() {
  const who = useWho();
  const { search, set } = useUrlState();
  const p = t.profile;
  return (
    <Page title={p.title} lead={<Mono>{who.user.name}</Mono>}>
      <Tabs label={p.title} value={search.tab ?? "keys"} onChange={(tab) => set({ tab: tab === "keys" ? undefined : tab, dialog: undefined, item: undefined }, { replace: true })} items={[{ value: "keys", label: p.tabs.keys }, { value: "passkeys", label: p.tabs.passkeys }, { value: "logins", label: p.tabs.logins }, { value: "tokens", label: p.tabs.tokens }, { value: "away", label: p.tabs.away }, { value: "notices", label: p.tabs.notices }, { value: "me", label: p.tabs.me }]}>
        <div className="mt-5">
          <TabPanel value="keys"><Keys /></TabPanel>
          <TabPanel value="passkeys"><Passkeys /></TabPanel>
          <TabPanel value="logins"><Logins /></TabPanel>
          <TabPanel value="tokens"><Tokens /></TabPanel>
          <TabPanel value="away"><Away /></TabPanel>
          <TabPanel value="notices"><Notices /></TabPanel>
          <TabPanel value="me">
            <Panel className="max-w-3xl px-4 py-4">
              <Facts
                items={[
                  [p.email, who.user.email ?? <span key="e" className="text-faint">{t.common.none}</span>],
                  [p.scope, <Mono key="s">{who.user.scope}</Mono>],
                  [p.groups, who.user.groups.length > 0 ? <span key="g" className="flex flex-wrap gap-1">{who.user.groups.map((group) => <Tag key={group}>{group}</Tag>)}</span> : <span key="g" className="text-faint">{t.common.none}</span>],
                  [t.users.roles, <RoleTags key="r" roles={who.user.roles} />],
                  [p.factorAge, <Ago key="f" at={who.login?.mfa_at} />],
                  [p.permissions, <span key="p" className="flex flex-wrap gap-x-3 gap-y-0.5 font-mono text-xs leading-5 text-muted">{who.permissions.map((held) => <span key={`${held.permission}${held.scope}`} className="whitespace-nowrap">{held.permission}{held.scope === "/" ? "" : ` ${p.heldIn} ${held.scope}`}</span>)}</span>],
                ]}
              />
            </Panel>
          </TabPanel>
        </div>
      </Tabs>
    </Page>
  );
}

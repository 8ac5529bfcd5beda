import { execFileSync } from "node:child_process";
import { join } from "node:path";

import type { Gate } from "./gate";

/** How many of each. */
export const MANY = 100_000;

const COUNT = `with recursive n (i) as (select 0 union all select i + 1 from n where i < ${MANY - 1})`;

/** What `MANY` of each noun are, straight into the database of a gate that does not run: through the API it would take an hour. */
const SQL = [
  `${COUNT} insert into asset (id, tenant, name, scope, platform, address, labels, created_at)
   select printf('ast_%016d', i), '/', printf('node-%06d', i), '/', case when i % 7 = 0 then 'postgresql' else 'linux' end,
   printf('10.%d.%d.%d:22', i / 65536, i / 256 % 256, i % 256), json_object('tier', case when i % 1000 = 0 then 'rare' else 'node' end), i from n`,
  `${COUNT} insert into account (id, asset_id, name, credential, state, created_at)
   select printf('acc_%016d', i), printf('ast_%016d', i), 'root', 'password', 'managed', i from n`,
  `${COUNT} insert into rotation (id, account_id, asset_id, scope, cause, state, machine, created_at, ended_at)
   select printf('rot_%016d', i), printf('acc_%016d', i), printf('ast_%016d', i), '/', 'demand', 'current', '{}', 1700000000000 + i * 1000, 1700000000000 + i * 1000 + 900 from n`,
  `${COUNT} insert into finding (id, asset_id, account, kind, severity, evidence, state, raised_at, seen_at)
   select printf('fnd_%016d', i), printf('ast_%016d', i), 'root', 'stale', case when i % 50 then 'low' else 'critical' end, '["not used for a year"]', 'open', 1700000000000 + i, 1700000000000 + i from n`,
];

/** So many people in one group, for reviews of them. */
export function fillGroup(gate: Gate, group: string, count: number): void {
  const people = `with recursive n (i) as (select 0 union all select i + 1 from n where i < ${count - 1})`;
  write(gate, [
    `${people} insert into user (id, name, scope, state, created_at) select printf('usr_%016d', i), printf('clerk-%05d', i), '/', 'active', 1700000000000 from n`,
    `${people} insert into group_member (group_id, user_id) select (select id from user_group where name = '${group}'), printf('usr_%016d', i) from n`,
  ]);
}

const DAY_MS = 86_400_000;

/** A month of history, as days leave it behind: what charts are drawn of. A gate that runs takes it as well. */
export function fillMonth(gate: Gate): void {
  const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const days = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 29)";
  const at = (hour: number) => `${midnight} - i * ${DAY_MS} + ${hour} * 3600000`;
  const accounts = "join (select id, asset_id, row_number() over (order by id) as at from account) c on c.at = 1 + i % 20";
  const severity = "case i % 5 when 0 then 'critical' when 1 then 'high' when 2 then 'low' else 'medium' end";
  write(gate, [
    `${days.replace("select 1 union", "select 0 union")} insert or replace into day_figures select ${midnight / DAY_MS} - i, 14 + i * i / 9, 40 + (30 - i) / 3, 3 + i / 4, i % 6 = 0, 46, 12 + (29 - i) from n`,
    `${days} insert into finding (id, asset_id, account, kind, severity, evidence, state, raised_at, seen_at, resolved_at)
     select printf('fnd_9%015d', i), c.asset_id, 'root', 'stale', ${severity}, '["not used for a year"]', 'resolved', ${midnight} - ${33 * DAY_MS}, ${at(9)}, ${at(9)} from n ${accounts}`,
    `${days} insert into rotation (id, account_id, asset_id, scope, cause, state, machine, created_at, ended_at)
     select printf('rot_9%03d%012d', i, k.value), c.id, c.asset_id, '/emea', 'schedule', case when i % 9 = 0 and k.value = 1 then 'broken' else 'current' end, '{}', ${at(3)}, ${at(3)} + 900
     from n ${accounts} join json_each('[1,2,3,4,5,6]') k where k.value <= 2 + i % 5`,
    `${days} insert into alert (id, scope, rule, title, severity, attack, response, state, user_name, account, source, evidence, why, raised_at, last_at, closed_at, closed_by, verdict, comment)
     select printf('alr_9%015d', i), '/emea', 'movement.ssh_out', 'Somebody went on to another machine past Postern', 'medium', 'T1021.004', 'alert', 'closed', 'ben', 'deploy@web-1', '127.0.0.1', 'ssh web-2', 'Somebody went on to another machine past Postern',
     ${at(15)}, ${at(15)}, ${at(16)}, 'ada', case i % 4 when 0 then 'true' when 1 then 'false' else 'expected' end, 'Looked into' from n where i % 3 <> 0`,
    `${days} insert into session (id, user_id, account_id, scope, protocol, source, policy_id, state, started_at, ends_by, ended_at, end_reason)
     select printf('ses_9%03d%012d', i, k.value), s.user_id, s.account_id, s.scope, case k.value % 3 when 0 then 'postgresql' else 'ssh' end, s.source, s.policy_id, 'ended', ${at(10)} + k.value * 60000, ${at(12)}, ${at(11)}, 'client_closed'
     from n, json_each('[1,2,3,4,5,6,7,8,9]') k, (select * from session where state = 'ended' order by started_at limit 1) s where k.value <= 2 + (i * 7) % 6`,
  ]);
}

/** Fills the database of a gate that does not run. */
export function fill(gate: Gate): void {
  write(gate, SQL);
}

function write(gate: Gate, statements: string[]): void {
  execFileSync("sqlite3", [join(gate.data, "postern.db")], { input: `.timeout 10000\nbegin;\n${statements.join(";\n")};\ncommit;\n`, stdio: ["pipe", "inherit", "inherit"] });
}

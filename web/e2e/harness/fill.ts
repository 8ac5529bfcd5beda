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

/** Fills the database of a gate that does not run. */
export function fill(gate: Gate): void {
  write(gate, SQL);
}

function write(gate: Gate, statements: string[]): void {
  execFileSync("sqlite3", [join(gate.data, "postern.db")], { input: `begin;\n${statements.join(";\n")};\ncommit;\n`, stdio: ["pipe", "inherit", "inherit"] });
}

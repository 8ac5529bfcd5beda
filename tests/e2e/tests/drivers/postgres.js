// node-postgres: simple and extended queries, named statements, transactions, notifications, a cancelled one.
const { Client } = require("pg");
const assert = require("node:assert");
const { readFileSync } = require("node:fs");

(async () => {
  const uri = new URL(process.env.URI);
  const options = {
    host: uri.hostname, port: Number(uri.port), user: decodeURIComponent(uri.username), password: uri.password, database: uri.pathname.slice(1),
    ssl: { ca: readFileSync(process.env.CA, "utf8") },
  };
  const db = new Client(options);
  await db.connect();
  assert.deepEqual((await db.query("select 1 as one; select 2 as two")).map((result) => result.rows[0]), [{ one: 1 }, { two: 2 }]);
  await db.query("create temporary table t (id int primary key, text text, day date, data bytea, list int[])");
  const data = Buffer.from([0, 1, 2, 255]);
  for (let id = 1; id <= 3; id++) {
    await db.query({ name: "insert", text: "insert into t values ($1, $2, $3, $4, $5)", values: [id, id === 2 ? null : "grüße", "2026-11-25", data, [1, 2]] });
  }
  const { rows } = await db.query("select text, data, list from t where id = any($1) order by id", [[1, 2]]);
  assert.deepEqual(rows, [{ text: "grüße", data, list: [1, 2] }, { text: null, data, list: [1, 2] }]);
  await db.query("begin");
  await assert.rejects(db.query("select 1 / 0"), { code: "22012" });
  await assert.rejects(db.query("select 1"), { code: "25P02" });
  await db.query("rollback");
  const heard = new Promise((resolve) => db.once("notification", resolve));
  await db.query("listen news");
  const other = new Client(options);
  await other.connect();
  await other.query("notify news, 'hello'");
  assert.equal((await heard).payload, "hello");
  const { rows: [{ pid }] } = await db.query("select pg_backend_pid() as pid");
  const slow = assert.rejects(db.query("select pg_sleep(600)"), { code: "57014" });
  while (!(await other.query("select pg_cancel_backend($1) from pg_stat_activity where pid = $1 and query like '%pg_sleep(600)%'", [pid])).rows.length);
  await slow;
  await other.end();
  await db.end();
  console.log("done");
})();

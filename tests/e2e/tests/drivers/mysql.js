// mysql2: the text and the binary protocol, several statements, transactions, another user on the same connection.
const mysql = require("mysql2/promise");
const assert = require("node:assert");
const { readFileSync } = require("node:fs");

(async () => {
  const db = await mysql.createConnection({
    host: "127.0.0.1", port: Number(process.env.PORT), user: "app@shop", password: process.env.TOKEN, database: "shop", multipleStatements: true,
    ssl: { ca: readFileSync(process.env.CA, "utf8") },
  });
  const [several] = await db.query("select 1 as one; select 2 as two");
  assert.deepEqual(several.map((rows) => ({ ...rows[0] })), [{ one: 1 }, { two: 2 }]);
  await db.query("create or replace table t (id int primary key, text text, at datetime(3), data blob)");
  const [at, data] = [new Date("2026-11-25T01:02:03.004Z"), Buffer.from([0, 1, 2, 255])];
  for (let id = 1; id <= 3; id++) await db.execute("insert into t values (?, ?, ?, ?)", [id, id === 2 ? null : "grüße", at, data]);
  const [rows] = await db.execute("select text, at, data from t where id <= ? order by id", [2]);
  assert.deepEqual(rows.map((row) => ({ ...row })), [{ text: "grüße", at, data }, { text: null, at, data }]);
  await db.beginTransaction();
  await db.query("delete from t");
  await db.rollback();
  assert.equal((await db.query("select count(*) as n from t"))[0][0].n, 3);
  await assert.rejects(db.query("select nothing from t"), { errno: 1054, sqlState: "42S22" });
  await db.ping();
  await db.end();
  console.log("done");
})();

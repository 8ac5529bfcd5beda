// node-redis on RESP3: pipelines, transactions, subscriptions.
const { createClient } = require("redis");
const assert = require("node:assert");
const { readFileSync } = require("node:fs");

(async () => {
  const uri = new URL(process.env.URI);
  const make = () => createClient({
    RESP: 3, username: decodeURIComponent(uri.username), password: uri.password,
    socket: { host: uri.hostname, port: Number(uri.port), tls: true, ca: readFileSync(process.env.CA, "utf8") },
  });
  const db = await make().connect();
  await Promise.all(Array.from({ length: 200 }, (_, n) => db.set(`n:${n}`, String(n))));
  assert.deepEqual(await db.mGet(["n:0", "n:199", "n:200"]), ["0", "199", null]);
  assert.deepEqual(await db.multi().incr("count").incrBy("count", 4).exec(), [1, 5]);
  await db.hSet("h", { a: "1", b: "2" });
  assert.deepEqual({ ...(await db.hGetAll("h")) }, { a: "1", b: "2" });
  const listens = await make().connect();
  const heard = new Promise((resolve) => listens.subscribe("news", resolve).then(() => db.publish("news", "hello")));
  assert.equal(await heard, "hello");
  await listens.close();
  await db.close();
  console.log("done");
})();

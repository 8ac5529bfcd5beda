import { createHash } from "node:crypto";
import { expect, it } from "vitest";

import { verifyInclusion } from "./merkle";

const hash = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
const node = (left: Buffer, right: Buffer) => hash(Buffer.of(1), left, right);

it("recomputes inclusion in a tree of five", async () => {
  const texts = ["a", "b", "c", "d", "e"].map((text) => Buffer.from(text));
  const [a, b, c, d, e] = texts.map((text) => hash(Buffer.of(0), text)) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const [ab, cd] = [node(a, b), node(c, d)];
  const root = node(node(ab, cd), e);
  const proof = {
    index: 2,
    leaf: Buffer.from("c").toString("base64"),
    hash: c.toString("hex"),
    path: [d, ab, e].map((each) => each.toString("hex")),
    size: 5,
    root: root.toString("hex"),
    checkpoint: `postern.ledger/x\n5\n${root.toString("base64")}\n\n— sig\n`,
  };
  expect(await verifyInclusion(proof)).toEqual({ leaf: true, root: true, checkpoint: true });
  expect(await verifyInclusion({ ...proof, index: 3 })).toMatchObject({ root: false });
  expect(await verifyInclusion({ ...proof, leaf: "eA==" })).toMatchObject({ leaf: false });
  const last = { ...proof, index: 4, leaf: Buffer.from("e").toString("base64"), hash: e.toString("hex"), path: [node(ab, cd).toString("hex")] };
  expect(await verifyInclusion(last)).toEqual({ leaf: true, root: true, checkpoint: true });
});

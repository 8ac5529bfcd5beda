// Puts a Brotli-compressed copy beside every file of the build that gets smaller by it; the server
// sends that to whoever takes it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const root = new URL("../dist/", import.meta.url).pathname;
const worth = /\.(html|js|css|svg|json|wasm|txt)$/;

for (const name of readdirSync(root, { recursive: true })) {
  if (!worth.test(name)) continue;
  const content = readFileSync(join(root, name));
  const compressed = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  if (compressed.length < content.length) writeFileSync(join(root, `${name}.br`), compressed);
}

// What a browser fetches of the build before the sign-in page can be used, compressed by gzip; Brotli, which the
// server sends to whoever takes it, is smaller still.
// Ends in one line of name=value pairs; exits non-zero when it is more than the limit.
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { preview } from "vite";

const LIMIT_KB = 200;

const server = await preview({ preview: { port: 4198, strictPort: false }, logLevel: "warn" });
const base = server.resolvedUrls.local[0].replace(/\/$/, "");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const context = await browser.newContext();
const page = await context.newPage();
const responses = [];
page.on("response", (response) => responses.push(response));
await page.goto(`${base}/sign-in`, { waitUntil: "networkidle" });
const files = await Promise.all(responses.filter((each) => !each.url().includes("/v1/")).map(async (each) => {
  const body = await each.body();
  // Fonts are compressed in themselves.
  return { path: new URL(each.url()).pathname, bytes: each.url().endsWith(".woff2") ? body.length : gzipSync(body).length };
}));
await browser.close();
await server.close();
for (const file of files.toSorted((a, b) => b.bytes - a.bytes)) console.log(`${String(file.bytes).padStart(7)} ${file.path}`);
const total = files.reduce((sum, file) => sum + file.bytes, 0) / 1000;
console.log(`sign_in_kb=${total.toFixed(1)} files=${files.length} limit_kb=${LIMIT_KB}`);
process.exit(total > LIMIT_KB ? 1 : 0);

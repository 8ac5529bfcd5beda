import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import { Estate } from "./harness/estate";
import { PICTURES as OUT } from "./harness/results";
import { shots } from "./pages/list";
import { Album } from "./pages/open";
import type { Look } from "./pages/open";

const LOOKS = (["light", "dark"] as const).flatMap((theme) => [390, 1440].map((width): Look => ({ theme, width })));
/** The largest screens, for pages of every kind. */
const LARGEST = (["light", "dark"] as const).map((theme): Look => ({ theme, width: 3840 }));
const ON_LARGEST = /^(home|access|requests|request|session-replay|session-database|assets|asset|policy-edit|audit|settings|sql)$/;
const SHEET_WIDTH = 1800;
// Names of pages to look at again, as a pattern.
const ONLY = new RegExp(process.env.PICTURES ?? "");

interface Picture extends Look {
  name: string;
  file: string;
}

function figure({ name, theme, width, file }: Picture, source: string): string {
  return `<figure><a href="${file}"><img src="${source}" height="${width < 600 ? 520 : 270}" loading="lazy"></a><figcaption>${name} · ${theme} · ${width}</figcaption></figure>`;
}

const STYLE = "<meta charset=utf-8><title>Pictures</title><style>body{margin:8px;background:#777;font:12px sans-serif}figure{display:inline-block;margin:6px;vertical-align:top}img{display:block}</style>";

describe("pictures", () => {
  const pictures: Picture[] = [];
  let estate: Estate;
  let browser: Browser;
  beforeAll(async () => {
    if (!process.env.PICTURES) rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT, { recursive: true });
    estate = await Estate.start();
    browser = await Browser.start(estate.world.gate);
  });
  afterAll(async () => {
    writeFileSync(join(OUT, "index.html"), `<!doctype html>${STYLE}${pictures.map((each) => figure(each, each.file)).join("")}`);
    await browser?.end();
    await estate?.end();
  });

  for (const look of [...LOOKS, ...LARGEST]) {
    it.concurrent(`of every page, ${look.theme}, ${look.width} px wide`, { timeout: 600_000 }, async () => {
      const album = new Album(browser, estate, look);
      const taken: Picture[] = [];
      for (const shot of shots(estate).filter((each) => ONLY.test(each.name) && (look.width < 3840 || ON_LARGEST.test(each.name)))) {
        const file = `${shot.name}-${look.theme}-${look.width}.png`;
        await album.visit(shot, async ({ page }) => {
          await page.screenshot({ path: join(OUT, file) });
          taken.push({ ...look, name: shot.name, file });
        });
      }
      pictures.push(...taken);
      // A sheet to look at all of it at once.
      const sheet = await browser.seat(undefined, { viewport: { width: SHEET_WIDTH, height: 1000 } });
      const inline = (each: Picture) => `data:image/png;base64,${readFileSync(join(OUT, each.file)).toString("base64")}`;
      await sheet.page.setContent(`${STYLE}${taken.map((each) => figure(each, inline(each))).join("")}`);
      await sheet.page.screenshot({ path: join(OUT, `sheet-${look.theme}-${look.width}.png`), fullPage: true });
      await sheet.context.close();
      expect(await album.close()).toEqual([]);
    });
  }
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Browser } from "./harness/browser";
import { Estate } from "./harness/estate";
import { shots } from "./pages/list";
import { Album } from "./pages/open";
import type { Look } from "./pages/open";

// Each page in one of them; `cargo xtask pictures` looks at each in all themes and widths.
const LOOK_MS = 600_000;
const NARROWEST: Look = { theme: "light", width: 360 };
const LOOKS: Look[] = [{ theme: "light", width: 1440 }, { theme: "dark", width: 390 }];

describe("every page", () => {
  let estate: Estate;
  let browser: Browser;
  beforeAll(async () => {
    estate = await Estate.start();
    browser = await Browser.start(estate.world.gate);
  });
  afterAll(async () => {
    await browser?.end();
    await estate?.end();
  });

  for (const [turn, look] of LOOKS.entries()) {
    it.concurrent(`can be used by everybody: ${look.theme}, ${look.width} px wide`, async () => {
      const album = new Album(browser, estate, look);
      for (const shot of shots(estate).filter((_, index) => index % LOOKS.length === turn)) await album.visit(shot, async () => {});
      expect(await album.close()).toEqual([]);
    }, LOOK_MS);
  }

  it.concurrent("fits a screen that is 360 px wide, without scrolling sideways", async () => {
    const album = new Album(browser, estate, NARROWEST);
    for (const shot of shots(estate)) await album.visit(shot);
    expect(await album.close()).toEqual([]);
  }, LOOK_MS);
});

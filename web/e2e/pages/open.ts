import type { Browser, Seat } from "../harness/browser";
import type { Estate } from "../harness/estate";
import type { Shot, Who } from "./list";

export interface Look {
  theme: "light" | "dark";
  width: number;
}

const NARROW_MAX = 600;
const SETTLE_MS = 200;
const ACTION_MS = 15_000;

/** Opens pages one after the other, everybody in a browser of their own. */
export class Album {
  private readonly seats = new Map<Who, Seat>();
  private readonly failures: string[] = [];

  constructor(private readonly browser: Browser, private readonly estate: Estate, private readonly look: Look) {}

  /** Opens the page as it is to be seen and looks at it, axe too, unless only its width matters; what fails is told at the end. */
  async visit(shot: Shot, look?: (seat: Seat) => Promise<void>): Promise<void> {
    const seat = this.seats.get(shot.who) ?? (await this.sit(shot.who));
    const failed = (error: unknown) => this.failures.push(`${shot.name}: ${error instanceof Error ? error.message : String(error)}`);
    await this.open(seat, shot).catch(failed);
    if (look) {
      await look(seat).catch(failed);
      await seat.axe(`${shot.name} ${this.look.theme} ${this.look.width}`).catch(failed);
    }
    const excess = await seat.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (excess > 0) failed(`${excess} px wider than the screen`);
  }

  /** Everything that was wrong. */
  async close(): Promise<string[]> {
    const complaints = [...this.seats.values()].flatMap((seat) => seat.complaints);
    await Promise.all([...this.seats.values()].map((seat) => seat.context.close()));
    return [...this.failures, ...complaints];
  }

  private async open({ page }: Seat, shot: Shot): Promise<void> {
    await page.unrouteAll();
    const { answer } = shot;
    if (answer) await page.route(answer.url, (route) => route.fulfill({ status: answer.status, contentType: "application/problem+json", body: JSON.stringify(answer.body) }));
    // A new document each time: nothing of the page before is left.
    await page.goto("about:blank");
    await page.goto(shot.path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const loaded = () => page.locator(".skeleton").first().waitFor({ state: "detached" });
    await loaded();
    await shot.act?.(page);
    await page.waitForTimeout(SETTLE_MS);
    // What came into view only now loads too.
    await loaded();
  }

  private async sit(who: Who): Promise<Seat> {
    const narrow = this.look.width < NARROW_MAX;
    const person = who === "nobody" ? undefined : who === "ada" ? this.estate.world.ada : this.estate[who];
    const seat = await this.browser.seat(person, { viewport: { width: this.look.width, height: narrow ? 844 : this.look.width > 2000 ? 2160 : 900 }, colorScheme: this.look.theme, isMobile: narrow, hasTouch: narrow });
    seat.context.setDefaultTimeout(ACTION_MS);
    this.seats.set(who, seat);
    return seat;
  }
}

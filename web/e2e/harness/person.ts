import { createHmac } from "node:crypto";

import type { Gate } from "./gate";
import { until } from "./process";
import { textOf } from "./read";

const STEP_SECONDS = 30;
const COOKIE = "__Host-postern";

function base32(text: string): Buffer {
  const bits = [...text.replace(/=+$/, "")].map((char) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(char).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** The one-time code of a step. */
export function codeOf(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const tag = createHmac("sha1", base32(secret)).update(counter).digest();
  const word = tag.readUInt32BE((tag[19] ?? 0) & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

/** A code that lapses sooner is not used. */
const LAPSES_SECONDS = 12;

/** Somebody with a password, a generator of one-time codes, and a token of the API. */
export class Person {
  token = "";
  /** Whether an SSH key is registered. */
  hasKey = false;
  private step = 0;

  constructor(readonly gate: Gate, readonly name: string, readonly password: string, readonly secret: string) {}

  /** Enrols by a one-time link, as its page in the console does. */
  static async enrol(gate: Gate, name: string, link: string): Promise<Person> {
    const path = `/v1/links/${link.split("/").pop()}`;
    const offered = await gate.call("GET", path);
    const person = new Person(gate, name, `${name} likes long passwords`, textOf(offered.body, "totp", "secret"));
    await person.expect("POST", path, { password: person.password, code: await person.code() });
    return person;
  }

  /** A one-time code that counts, and does not lapse on its way: of a step not used yet, and of now, just before or just after. */
  async code(): Promise<string> {
    const stepIn = (seconds: number) => Math.floor((Date.now() / 1000 + seconds) / STEP_SECONDS);
    this.step = await until("a fresh one-time code", () => {
      const next = Math.max(this.step + 1, stepIn(LAPSES_SECONDS) - 1);
      return next <= stepIn(0) + 1 ? next : undefined;
    });
    return codeOf(this.secret, this.step);
  }

  /** Signs in as the console does; what is set as its cookie is also a token of the API. */
  async signIn(): Promise<this> {
    const answer = await this.gate.call("POST", "/v1/login", { user: this.name, password: this.password, code: await this.code(), client: "console", cookie: true });
    const cookie = [answer.headers["set-cookie"]].flat().find((each) => each?.startsWith(`${COOKIE}=`));
    if (!cookie) throw new Error(`${this.name} cannot sign in: ${JSON.stringify(answer.body)}`);
    this.token = cookie.slice(COOKIE.length + 1).split(";")[0] ?? "";
    return this;
  }

  /** The cookie of their sign-in, as browsers keep it. */
  get cookie() {
    return { name: COOKIE, value: this.token, url: this.gate.url, httpOnly: true, secure: true, sameSite: "Strict" as const };
  }

  /** A call of the API that must succeed; gives its body. */
  async expect(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.gate.call(method, path, body, this.token || undefined);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** One text of what a call answers. */
  async read(method: string, path: string, body: unknown, ...names: string[]): Promise<string> {
    return textOf(await this.expect(method, path, body), ...names);
  }
}

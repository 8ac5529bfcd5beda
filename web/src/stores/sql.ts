import type { SqlConsoleOpened } from "../api/nouns";

const KEY = "postern.sql";
const TEXT_KEY = "postern.sql.text";

function isOpened(value: unknown): value is SqlConsoleOpened {
  return typeof value === "object" && value !== null && "console" in value && "ticket" in value && "account" in value;
}

function read(): SqlConsoleOpened[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? value.filter(isOpened) : [];
  } catch {
    return [];
  }
}

/** The console of this tab on an account: a reload attaches to it again. */
export function remembered(account: string): SqlConsoleOpened | undefined {
  return read().find((each) => each.account === account);
}

export function remember(opened: SqlConsoleOpened): void {
  sessionStorage.setItem(KEY, JSON.stringify([...read().filter((each) => each.account !== opened.account), opened]));
}

export function forget(account: string): void {
  sessionStorage.setItem(KEY, JSON.stringify(read().filter((each) => each.account !== account)));
}

/** What is in the editor for an account, in this tab. */
export function textFor(account: string): string {
  return sessionStorage.getItem(`${TEXT_KEY}.${account}`) ?? "";
}

export function keepText(account: string, text: string): void {
  sessionStorage.setItem(`${TEXT_KEY}.${account}`, text);
}

interface Hooks {
  /** Somebody has signed out, here or in another tab. */
  out: () => void;
  /** Somebody has signed in in another tab. */
  in: (user: string) => void;
}

const hooks: Hooks = { out: () => {}, in: () => {} };
const channel = new BroadcastChannel("postern.login");

channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  if (typeof data !== "string") return;
  if (data === "") hooks.out();
  else hooks.in(data);
});

/** Tells what to do when tabs of this browser sign in and out: they have one sign-in together. */
export function onLogin(given: Hooks): void {
  Object.assign(hooks, given);
}

/** To be called once the sign-in has ended: every tab leaves what it shows. */
export function signedOut(): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin only
  channel.postMessage("");
}

/** To be called once somebody has signed in: tabs that wait for it go on. */
export function signedIn(user: string): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin only
  channel.postMessage(user);
}

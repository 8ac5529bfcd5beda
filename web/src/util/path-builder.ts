const part = encodeURIComponent;

/** Every address inside the console. */
export const pb = {
  home: () => "/",
  signIn: () => "/sign-in",
  access: () => "/access",
  requests: () => "/requests",
  request: (id: string) => `/requests/${part(id)}`,
  grants: () => "/grants",
  terminals: () => "/terminals",
  terminal: (session: string) => `/terminals/${part(session)}`,
  sessions: () => "/sessions",
  session: (id: string) => `/sessions/${part(id)}`,
  users: () => "/users",
  user: (name: string) => `/users/${part(name)}`,
  groups: () => "/groups",
  roles: () => "/roles",
  scopes: () => "/scopes",
  assets: () => "/assets",
  asset: (name: string) => `/assets/${part(name)}`,
  accounts: () => "/accounts",
  policies: () => "/policies",
  policy: (name: string) => `/policies/${part(name)}`,
  audit: () => "/audit",
  vault: () => "/vault",
  status: () => "/status",
  profile: () => "/profile",
};

import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { api } from "./client";
import type { DraftPolicy } from "./client";
import type { Query } from "./http";
import type { AccessVerb, Document, Page } from "./nouns";

/** The words that `changed` events name, which are also the first part of every key. */
export type Noun =
  | "login" | "link" | "user" | "ssh_key" | "token" | "group" | "role" | "scope" | "asset" | "host_key" | "account"
  | "policy" | "access" | "request" | "grant" | "session" | "audit" | "vault" | "status" | "passkey" | "rotation"
  | "duties" | "stand_in" | "statement" | "review" | "report" | "checkout" | "break_glass" | "channel" | "witness" | "discovery" | "finding" | "inventory" | "alert" | "detection_rule" | "hold";

const REACH_MAX = 100;
// Each change of a draft asks anew; what was answered is not kept for long.
const DRAFTED = { retry: false, gcTime: 10_000 } as const;

/** What was answered last, while the same is asked of another draft. */
function ofSame(subject: string) {
  return <T>(before: T | undefined, query: { queryKey: readonly unknown[] } | undefined) => (query?.queryKey[2] === subject ? before : undefined);
}

function list<T>(noun: Noun, run: (query: Query, signal?: AbortSignal) => Promise<Page<T>>) {
  return (query: Query = {}) =>
    queryOptions({
      queryKey: [noun, "list", query],
      queryFn: ({ signal }) => run(query, signal),
      placeholderData: keepPreviousData,
    });
}

export const q = {
  who: () => queryOptions({ queryKey: ["login", "who"], queryFn: ({ signal }) => api.loginShow(signal), staleTime: 30_000 }),
  logins: list("login", api.loginList),
  link: (token: string) =>
    queryOptions({
      queryKey: ["link", token],
      queryFn: ({ signal }) => api.linkShow(token, signal),
      // Each look makes a fresh secret: looking again would invalidate a code that was scanned.
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      retry: false,
    }),
  passkeys: list("passkey", api.passkeyList),
  home: () => queryOptions({ queryKey: ["home"], queryFn: ({ signal }) => api.homeShow(signal) }),
  counts: () => queryOptions({ queryKey: ["counts"], queryFn: ({ signal }) => api.countsShow(signal) }),
  history: () => queryOptions({ queryKey: ["history"], queryFn: ({ signal }) => api.historyShow(signal), staleTime: 60_000 }),
  settings: () => queryOptions({ queryKey: ["settings"], queryFn: ({ signal }) => api.settingsShow(signal), staleTime: Number.POSITIVE_INFINITY }),
  users: list("user", api.userList),
  user: (name: string) =>
    queryOptions({ queryKey: ["user", "show", name], queryFn: ({ signal }) => api.userShow(name, signal) }),
  waitingCredentials: () => queryOptions({ queryKey: ["user", "waiting"], queryFn: ({ signal }) => api.waitingCredentials(signal) }),
  sshKeys: list("ssh_key", api.sshKeyList),
  tokens: list("token", api.tokenList),
  attachments: (id: string) => queryOptions({ queryKey: ["request", "attachments", id], queryFn: ({ signal }) => api.attachmentList(id, signal) }),
  notices: () => queryOptions({ queryKey: ["user", "notices"], queryFn: ({ signal }) => api.noticeShow(signal) }),
  templates: list("request", api.templateList),
  alerts: list("alert", api.alertList),
  alert: (id: string) => queryOptions({ queryKey: ["alert", "show", id], queryFn: ({ signal }) => api.alertShow(id, signal) }),
  detectionRules: list("detection_rule", api.detectionRuleList),
  duties: list("duties", api.dutiesList),
  standIns: list("stand_in", api.standInList),
  groups: list("group", api.groupList),
  roles: list("role", api.roleList),
  scopes: list("scope", api.scopeList),
  assets: list("asset", api.assetList),
  asset: (name: string) =>
    queryOptions({ queryKey: ["asset", "show", name], queryFn: ({ signal }) => api.assetShow(name, signal) }),
  hostKeys: (asset: string) =>
    queryOptions({ queryKey: ["host_key", "list", asset], queryFn: ({ signal }) => api.hostKeyList(asset, signal) }),
  sshCa: () => queryOptions({ queryKey: ["ssh_ca"], queryFn: ({ signal }) => api.sshCaShow(signal) }),
  accounts: list("account", api.accountList),
  rotations: list("rotation", api.rotationList),
  policies: list("policy", api.policyList),
  policy: (name: string) =>
    queryOptions({ queryKey: ["policy", "show", name], queryFn: ({ signal }) => api.policyShow(name, signal) }),
  policyRevisions: (name: string) => queryOptions({ queryKey: ["policy", "revisions", name], queryFn: ({ signal }) => api.policyRevisions(name, signal) }),
  rightSizes: list("policy", api.rightSizeList),
  rightSize: (name: string) =>
    queryOptions({ queryKey: ["policy", "right-size", name], queryFn: ({ signal }) => api.rightSizeShow(name, signal) }),
  /** A document as text; what it says does not change while it is looked at. */
  documentText: (document: Document | undefined) =>
    queryOptions({ queryKey: ["text", document], queryFn: ({ signal }) => api.documentsWrite(document ? [document] : [], signal), staleTime: Number.POSITIVE_INFINITY, placeholderData: keepPreviousData }),
  /** Who can do something with an account, or with accounts of some labels; as if `draft` were saved, where there is one. */
  whoCan: (on: string, action: AccessVerb, draft?: DraftPolicy) =>
    queryOptions({
      queryKey: ["access", "who-can", `${action} ${on}`, draft],
      queryFn: ({ signal }) => api.whoCan({ action, limit: REACH_MAX, refused: true, ...(on.includes("@") ? { account: on } : { label: on }) }, draft, signal),
      placeholderData: ofSame(`${action} ${on}`),
      ...DRAFTED,
    }),
  /** Why somebody can or cannot; as if `draft` were saved, where there is one. */
  explain: (user: string, account: string, action: AccessVerb, draft?: DraftPolicy) =>
    queryOptions({
      queryKey: ["access", "explain", `${user} ${account} ${action}`, draft],
      queryFn: ({ signal }) => api.accessExplain(user, account, action, draft, signal),
      placeholderData: ofSame(`${user} ${account} ${action}`),
      ...DRAFTED,
    }),
  /** For whom a draft changes what. */
  policyDiff: (draft: DraftPolicy) => queryOptions({ queryKey: ["access", "diff", draft.name, draft], queryFn: ({ signal }) => api.policyDiff(draft, signal), placeholderData: ofSame(draft.name), ...DRAFTED }),
  /** What a draft would have answered to the requests of the past. */
  policySimulate: (draft: DraftPolicy) => queryOptions({ queryKey: ["access", "simulate", draft.name, draft], queryFn: ({ signal }) => api.policySimulate(draft, signal), ...DRAFTED }),
  proposals: () => queryOptions({ queryKey: ["policy", "proposals"], queryFn: ({ signal }) => api.proposalList({ state: "waiting" }, signal) }),
  proposal: (id: string) => queryOptions({ queryKey: ["policy", "proposal", id], queryFn: ({ signal }) => api.proposalShow(id, signal) }),
  /** What somebody can reach or ask for. */
  userReach: (name: string) => queryOptions({ queryKey: ["access", "of", name], queryFn: ({ signal }) => api.userReach(name, { limit: REACH_MAX }, signal) }),
  statements: () => queryOptions({ queryKey: ["statement", "list"], queryFn: ({ signal }) => api.statementList(signal) }),
  checkouts: list("checkout", api.checkoutList),
  breakGlassUses: list("break_glass", api.breakGlassList),
  breakGlassOffline: () => queryOptions({ queryKey: ["break_glass", "offline"], queryFn: ({ signal }) => api.offlineShow(signal), refetchInterval: 30_000 }),
  witnesses: () => queryOptions({ queryKey: ["witness", "list"], queryFn: ({ signal }) => api.witnessList(signal), refetchInterval: 15_000 }),
  archive: () => queryOptions({ queryKey: ["archive"], queryFn: ({ signal }) => api.archiveShow(signal), refetchInterval: 15_000 }),
  channels: () => queryOptions({ queryKey: ["channel", "list"], queryFn: ({ signal }) => api.channelList(signal), refetchInterval: 15_000 }),
  discoveries: list("discovery", api.discoveryList),
  discovery: (id: string) => queryOptions({ queryKey: ["discovery", "show", id], queryFn: ({ signal }) => api.discoveryShow(id, signal) }),
  inventory: list("inventory", api.inventoryList),
  findings: list("finding", api.findingList),
  access: list("access", api.accessList),
  requests: list("request", api.requestList),
  request: (id: string) =>
    queryOptions({ queryKey: ["request", "show", id], queryFn: ({ signal }) => api.requestShow(id, signal) }),
  requestComments: (id: string) =>
    queryOptions({ queryKey: ["request", "comments", id], queryFn: ({ signal }) => api.requestComments(id, signal) }),
  requestContext: (id: string) =>
    queryOptions({ queryKey: ["request", "context", id], queryFn: ({ signal }) => api.requestContext(id, signal) }),
  grants: list("grant", api.grantList),
  reports: list("report", api.reportList),
  holds: list("hold", api.holdList),
  reportSchedules: () => queryOptions({ queryKey: ["report", "schedules"], queryFn: ({ signal }) => api.reportSchedules(signal) }),
  reviews: list("review", api.reviewList),
  review: (id: string) =>
    queryOptions({ queryKey: ["review", "show", id], queryFn: ({ signal }) => api.reviewShow(id, signal) }),
  reviewItems: (id: string, query: Query) =>
    queryOptions({ queryKey: ["review", "items", id, query], queryFn: ({ signal }) => api.reviewItems(id, query, signal), placeholderData: keepPreviousData }),
  sessions: list("session", api.sessionList),
  session: (id: string) =>
    queryOptions({ queryKey: ["session", "show", id], queryFn: ({ signal }) => api.sessionShow(id, signal) }),
  retention: () => queryOptions({ queryKey: ["hold", "retention"], queryFn: ({ signal }) => api.retention(signal) }),
  recordingFate: (id: string) =>
    queryOptions({ queryKey: ["hold", "fate", id], queryFn: ({ signal }) => api.recordingFate(id, signal) }),
  integrity: (id: string) =>
    queryOptions({ queryKey: ["session", "integrity", id], queryFn: ({ signal }) => api.sessionIntegrity(id, signal) }),
  sessionLive: (id: string) =>
    queryOptions({ queryKey: ["session", "live", id], queryFn: ({ signal }) => api.sessionLive(id, signal), retry: false }),
  marks: (id: string) =>
    queryOptions({ queryKey: ["recording", "marks", id], queryFn: ({ signal }) => api.recordingMarks(id, signal), staleTime: Number.POSITIVE_INFINITY, retry: false }),
  recordingSearch: (id: string, text: string) =>
    queryOptions({ queryKey: ["recording", "search", id, text], queryFn: ({ signal }) => api.recordingSearch(id, text, signal), staleTime: Number.POSITIVE_INFINITY, placeholderData: keepPreviousData, retry: false }),
  recording: (id: string) =>
    queryOptions({
      queryKey: ["recording", id],
      queryFn: ({ signal }) => api.sessionRecording(id, "asciicast", signal),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      retry: false,
    }),
  /** The same as lines of JSON: what a session says that shows no terminal. */
  recordingLines: (id: string) =>
    queryOptions({ queryKey: ["recording", "lines", id], queryFn: ({ signal }) => api.sessionRecording(id, "json", signal), staleTime: Number.POSITIVE_INFINITY, gcTime: 60_000, retry: false }),
  files: (session: string, folder: string) =>
    queryOptions({ queryKey: ["files", session, folder], queryFn: ({ signal }) => api.fileList(session, folder, signal), retry: false }),
  audit: list("audit", api.auditList),
  auditItem: (index: number) =>
    queryOptions({ queryKey: ["audit", "show", index], queryFn: ({ signal }) => api.auditShow(index, signal) }),
  vault: () => queryOptions({ queryKey: ["vault"], queryFn: ({ signal }) => api.vaultStatus(signal) }),
  status: () => queryOptions({ queryKey: ["status"], queryFn: ({ signal }) => api.statusShow(signal) }),
};

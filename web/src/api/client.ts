import { call, json, nothing, path, withQuery } from "./http";
import type { Query } from "./http";
import type {
  UserChange,
  Access, AccessExplained, Account, Alert, AlertView, ApiToken, Applied, ArchiveView, Asset, Attachment, AuditItem, BackTested, CheckedOut, Checkout, ConnectTicket, Counts, DayFigures,
  DetectionRule, DiscoveryRun, DiscoveryView, Document, DutiesView, DocumentsRead, DocumentsWritten, Finding, Folder, Inventory, NoticeChoice, NoticeChoiceView, RulesChanged, WaitingStatement,
  Grant, Group, Home, HostKey, Integrity, Link, LinkShown, Login, Page, Passkey, PasskeyAnswer,
  Hold, HoldInput, RecordingFate, RetentionView,
  PasskeyOffer, Permission, Policy, PolicyDeleted, PolicyRevision, PolicyRightSize, PolicyRightSized, Proof, Proposal, ProposalView, RecordingMarks, Recurrence, RecordingSearch, Request, RequestComment, RequestContext, RequestTemplate, Report, ReportSchedule, Review, ReviewAnswered, ReviewItem, ReviewPlan, ReviewStarted, SearchFound,
  Role, Rotation, RoleAssignment, Scope, Session, SessionLive, SettingsView, BreakGlassUse, ChannelView, WitnessView, OfflineView, SqlConsoleOpened, SshKey, StandIn, Status, TerminalOpened, User,
  VaultStatus, WaitingCredential, WeighedRequest, Who, WhoCan, AccessVerb, DraftDiff, Simulated,
} from "./nouns";

type Signal = AbortSignal | undefined;
/** A one-time or recovery code, or a passkey's answer. */
export type Factor = { code: string } | { passkey: PasskeyAnswer };
/** What somebody sets up or enrols with: a code, a passkey, or both. */
export interface LinkUse {
  user?: string;
  password: string;
  code?: string;
  passkey?: { id: string; name: string; credential: unknown };
}
/** A policy that is not saved, as which access is to be looked at. */
export type DraftPolicy = Extract<Document, { kind: "Policy" }>;
type PolicyText = Omit<Policy, "id" | "name" | "revision">;

/** Without the word that says what kind of document it is: where only policies are taken there is none. */
function plain(draft: DraftPolicy): Partial<DraftPolicy> {
  const policy: Partial<DraftPolicy> = { ...draft };
  delete policy.kind;
  return policy;
}

/** One function per operation of the API, by its name there. */
export const api = {
  loginCreate: (body: { user: string; password: string; code?: string; recovery_code?: string; passkey?: PasskeyAnswer }) =>
    nothing("POST", path("login"), { body: { ...body, client: "console", cookie: true }, anonymous: true }),
  loginPasskeyOptions: () => json<PasskeyOffer>("POST", path("login", "passkey", "options"), { anonymous: true }),
  loginPasskey: (passkey: PasskeyAnswer) => nothing("POST", path("login", "passkey"), { body: { passkey, client: "console", cookie: true }, anonymous: true }),
  loginShow: (signal?: Signal) => json<Who>("GET", path("login"), { signal }),
  loginFactor: (factor: Factor) => nothing("POST", path("login", "factor"), { body: factor }),
  loginFactorOptions: () => json<PasskeyOffer>("POST", path("login", "factor", "options")),
  loginEnd: () => nothing("DELETE", path("login"), { anonymous: true }),
  loginList: (query: Query, signal?: Signal) => json<Page<Login>>("GET", path("logins"), { query, signal }),
  loginEndAll: () => nothing("DELETE", path("logins")),
  loginEndOne: (id: string) => nothing("DELETE", path("logins", id)),

  passkeyList: (query: Query, signal?: Signal) => json<Page<Passkey>>("GET", path("passkeys"), { query, signal }),
  passkeyOptions: () => json<PasskeyOffer>("POST", path("passkeys", "options")),
  passkeyAdd: (body: { id: string; name: string; credential: unknown }) => json<Passkey>("POST", path("passkeys"), { body }),
  passkeyRemove: (id: string) => nothing("DELETE", path("passkeys", id)),

  homeShow: (signal?: Signal) => json<Home>("GET", path("home"), { signal }),
  countsShow: (signal?: Signal) => json<Counts>("GET", path("counts"), { signal }),
  historyShow: (signal?: Signal) => json<{ days: DayFigures[] }>("GET", path("history"), { signal }),
  settingsShow: (signal?: Signal) => json<SettingsView>("GET", path("settings"), { signal }),

  linkShow: (token: string, signal?: Signal) => json<LinkShown>("GET", path("links", token), { signal }),
  linkPasskeyOptions: (token: string, user?: string) => json<PasskeyOffer>("POST", path("links", token, "passkey", "options"), { body: user ? { user } : {} }),
  linkUse: (token: string, body: LinkUse) =>
    json<{ recovery_codes: string[]; user: User }>("POST", path("links", token), { body }),
  linkConfirm: (token: string, factor: Factor) => nothing("POST", path("links", token, "confirm"), { body: factor }),

  userList: (query: Query, signal?: Signal) => json<Page<User>>("GET", path("users"), { query, signal }),
  userShow: (name: string, signal?: Signal) => json<User>("GET", path("users", name), { signal }),
  userCreate: (body: { name: string; email?: string; scope?: string; groups?: string[]; roles?: RoleAssignment[] }) =>
    json<{ user: User; link: Link }>("POST", path("users"), { body }),
  userChange: (name: string, body: UserChange) =>
    json<User>("PATCH", path("users", name), { body }),
  userLink: (name: string) => json<Link>("POST", path("users", name, "link")),
  waitingCredentials: (signal?: Signal) => json<Page<WaitingCredential>>("GET", path("waiting-credentials"), { signal }),
  userLinkConfirm: (name: string) => call("POST", path("users", name, "link", "confirm")),
  userLinkRefuse: (name: string) => call("POST", path("users", name, "link", "refuse")),
  userRolesPut: (name: string, roles: RoleAssignment[]) =>
    call("PUT", path("users", name, "roles"), { body: roles }),

  sshKeyList: (query: Query, signal?: Signal) => json<Page<SshKey>>("GET", path("ssh-keys"), { query, signal }),
  sshKeyAdd: (body: { public_key: string; comment?: string }) => json<SshKey>("POST", path("ssh-keys"), { body }),
  sshKeyConfirm: (id: string) => call("POST", path("ssh-keys", id, "confirm")),
  sshKeyRemove: (id: string) => nothing("DELETE", path("ssh-keys", id)),

  tokenList: (query: Query, signal?: Signal) => json<Page<ApiToken>>("GET", path("tokens"), { query, signal }),
  tokenCreate: (body: { name: string; permissions: Permission[]; scope?: string; expires_in_seconds: number }) =>
    json<{ token: string; api_token: ApiToken }>("POST", path("tokens"), { body }),
  tokenConfirm: (id: string) => call("POST", path("tokens", id, "confirm")),
  tokenRevoke: (id: string) => nothing("DELETE", path("tokens", id)),

  groupList: (query: Query, signal?: Signal) => json<Page<Group>>("GET", path("groups"), { query, signal }),
  groupPut: (name: string, body: { scope?: string; members: string[]; roles?: RoleAssignment[] }) =>
    call("PUT", path("groups", name), { body }),
  groupDelete: (name: string) => nothing("DELETE", path("groups", name)),

  roleList: (query: Query, signal?: Signal) => json<Page<Role>>("GET", path("roles"), { query, signal }),
  rolePut: (name: string, permissions: Permission[]) => call("PUT", path("roles", name), { body: { permissions } }),
  scopeList: (query: Query, signal?: Signal) => json<Page<Scope>>("GET", path("scopes"), { query, signal }),
  scopeCreate: (scope: string) => call("POST", path("scopes"), { body: { path: scope } }),

  assetList: (query: Query, signal?: Signal) => json<Page<Asset>>("GET", path("assets"), { query, signal }),
  assetShow: (name: string, signal?: Signal) => json<Asset>("GET", path("assets", name), { signal }),
  assetPut: (name: string, body: Omit<Asset, "id" | "name" | "created_at">) =>
    call("PUT", path("assets", name), { body }),
  hostKeyList: (asset: string, signal?: Signal) =>
    json<Page<HostKey>>("GET", path("assets", asset, "host-keys"), { signal }),
  sshCaShow: (signal?: Signal) => json<{ public_key: string }>("GET", path("ssh-ca"), { signal }),
  hostKeyDecide: (asset: string, fingerprint: string, state: "pinned" | "rejected") =>
    call("POST", path("assets", asset, "host-keys", fingerprint), { body: { state } }),

  accountList: (query: Query, signal?: Signal) => json<Page<Account>>("GET", path("accounts"), { query, signal }),
  accountPut: (ref: string, body: Pick<Account, "credential" | "owner"> & { state?: Account["state"] }) =>
    call("PUT", path("accounts", ref), { body }),
  secretPut: (ref: string, body: { password: string } | { private_key: string }) =>
    nothing("PUT", path("accounts", ref, "secret"), { body }),

  rotationList: (query: Query, signal?: Signal) => json<Page<Rotation>>("GET", path("rotations"), { query, signal }),
  rotationRequest: (account: string, reason: string) => call("POST", path("rotations"), { body: { target: { account }, reason } }),

  policyList: (query: Query, signal?: Signal) => json<Page<Policy>>("GET", path("policies"), { query, signal }),
  policyShow: (name: string, signal?: Signal) => json<Policy>("GET", path("policies", name), { signal }),
  policyPut: (name: string, body: PolicyText) => call("PUT", path("policies", name), { body }),
  policyRevisions: (name: string, signal?: Signal) => json<Page<PolicyRevision>>("GET", path("policies", name, "revisions"), { signal }),
  policyRollback: (name: string, revision: number) => json<PolicyDeleted>("POST", path("policies", name, "rollback"), { body: { revision } }),
  policyDelete: (name: string) => json<PolicyDeleted>("DELETE", path("policies", name)),

  search: (query: Query, signal?: Signal) => json<SearchFound>("GET", path("search"), { query, signal }),

  rightSizeList: (query: Query, signal?: Signal) => json<Page<PolicyRightSize>>("GET", path("right-size"), { query, signal }),
  rightSizeShow: (name: string, signal?: Signal) => json<PolicyRightSized>("GET", path("policies", name, "right-size"), { signal }),

  documentsRead: (text: string, signal?: Signal) => json<DocumentsRead>("POST", path("documents", "read"), { body: { text }, signal }),
  documentsWrite: (documents: Document[], signal?: Signal) => json<DocumentsWritten>("POST", path("documents", "write"), { body: { documents }, signal }),
  documentsApply: (documents: Document[]) => json<Applied>("POST", path("apply"), { body: { documents } }),
  whoCan: (query: Query, draft?: DraftPolicy, signal?: Signal) =>
    draft ? json<Page<WhoCan>>("POST", path("access", "who-can"), { query, body: { draft: plain(draft) }, signal }) : json<Page<WhoCan>>("GET", path("access", "who-can"), { query, signal }),
  policyDiff: (draft: DraftPolicy, signal?: Signal) => json<DraftDiff>("POST", path("policies", "diff"), { body: { policies: [plain(draft)] }, signal }),
  policySimulate: (draft: DraftPolicy, signal?: Signal) => json<Simulated>("POST", path("policies", "simulate"), { body: { policies: [plain(draft)] }, signal }),
  proposalList: (query: Query, signal?: Signal) => json<Page<Proposal>>("GET", path("proposals"), { query, signal }),
  proposalShow: (id: string, signal?: Signal) => json<ProposalView>("GET", path("proposals", id), { signal }),
  proposalApprove: (id: string) => call("POST", path("proposals", id, "approve")),
  proposalRefuse: (id: string, reason: string) => call("POST", path("proposals", id, "refuse"), { body: { reason } }),
  userReach: (name: string, query: Query, signal?: Signal) => json<Page<Access>>("GET", path("users", name, "reach"), { query, signal }),
  accessExplain: (user: string, account: string, action: AccessVerb, draft?: DraftPolicy, signal?: Signal) =>
    draft ? json<AccessExplained>("POST", path("access", "explain"), { query: { user, account }, body: { draft: plain(draft), action }, signal }) : json<AccessExplained>("GET", path("access", "explain"), { query: { user, account, action }, signal }),

  accessList: (query: Query, signal?: Signal) => json<Page<Access>>("GET", path("access"), { query, signal }),

  requestList: (query: Query, signal?: Signal) => json<Page<WeighedRequest>>("GET", path("requests"), { query, signal }),
  requestComments: (id: string, signal?: Signal) => json<{ comments: RequestComment[] }>("GET", path("requests", id, "comments"), { signal }),
  requestComment: (id: string, text: string) => json<{ comments: RequestComment[] }>("POST", path("requests", id, "comments"), { body: { text } }),
  requestShow: (id: string, signal?: Signal) => json<Request>("GET", path("requests", id), { signal }),
  requestContext: (id: string, signal?: Signal) => json<RequestContext>("GET", path("requests", id, "context"), { signal }),
  requestCreate: (body: { account: string; also?: string[]; duration_seconds?: number; starts_at?: string; recurs?: Recurrence; reason?: string; ticket?: string }) =>
    json<Request>("POST", path("requests"), { body }),
  grantExtend: (id: string, body: { duration_seconds: number; reason?: string; ticket?: string }) => json<Request>("POST", path("grants", id, "extend"), { body }),
  requestApprove: (id: string, reason?: string) =>
    json<Request>("POST", path("requests", id, "approve"), { body: reason ? { reason } : {} }),
  requestDeny: (id: string, reason: string) => json<Request>("POST", path("requests", id, "deny"), { body: { reason } }),
  requestWithdraw: (id: string) => call("POST", path("requests", id, "withdraw")),

  attachmentAdd: (id: string, file: File) => json<Attachment>("POST", path("requests", id, "attachments"), { query: { name: file.name }, body: file }),
  attachmentUrl: (id: string, number: number) => path("requests", id, "attachments", number),
  attachmentList: (id: string, signal?: Signal) => json<Page<Attachment>>("GET", path("requests", id, "attachments"), { signal }),
  templateList: (query: Query, signal?: Signal) => json<Page<RequestTemplate>>("GET", path("request-templates"), { query, signal }),
  templateCreate: (body: { name: string; scope?: string; wish: { accounts: string[]; duration_seconds: number; reason: string; ticket?: string } }) => json<RequestTemplate>("POST", path("request-templates"), { body }),
  templateDelete: (id: string) => nothing("DELETE", path("request-templates", id)),
  dutiesList: (query: Query, signal?: Signal) => json<Page<DutiesView>>("GET", path("duties"), { query, signal }),
  standInList: (query: Query, signal?: Signal) => json<Page<StandIn>>("GET", path("stand-ins"), { query, signal }),
  standInCreate: (body: { stand_in: string; starts_at?: string; ends_at: string; reason?: string }) => json<StandIn>("POST", path("stand-ins"), { body }),
  noticeShow: (signal?: Signal) => json<NoticeChoiceView>("GET", path("notices"), { signal }),
  noticeChoose: (body: NoticeChoice) => json<NoticeChoiceView>("PUT", path("notices"), { body }),
  standInEnd: (id: string) => json<StandIn>("POST", path("stand-ins", id, "end")),

  statementList: (signal?: Signal) => json<Page<WaitingStatement>>("GET", path("statements"), { signal }),
  statementApprove: (id: string, reason?: string) => call("POST", path("statements", id, "approve"), { body: reason ? { reason } : {} }),
  statementDeny: (id: string, reason: string) => call("POST", path("statements", id, "deny"), { body: { reason } }),

  breakGlassList: (query: Query, signal?: Signal) => json<Page<BreakGlassUse>>("GET", path("break-glass", "uses"), { query, signal }),
  breakGlassReview: (id: string, body: { justified: boolean; text: string }) => json<BreakGlassUse>("POST", path("break-glass", "uses", id, "review"), { body }),
  offlineShow: (signal?: Signal) => json<OfflineView>("GET", path("break-glass", "offline"), { signal }),
  offlinePlanApprove: () => json<OfflineView>("POST", path("break-glass", "offline", "plan", "approve")),
  offlinePlanRefuse: () => json<OfflineView>("POST", path("break-glass", "offline", "plan", "refuse")),
  channelList: (signal?: Signal) => json<{ channels: ChannelView[] }>("GET", path("channels"), { signal }),
  archiveShow: (signal?: Signal) => json<ArchiveView>("GET", path("archive"), { signal }),
  witnessList: (signal?: Signal) => json<{ witnesses: WitnessView[] }>("GET", path("witnesses"), { signal }),
  channelTest: (name: string) => json<{ channels: ChannelView[] }>("POST", path("channels", name, "test")),

  alertList: (query: Query, signal?: Signal) => json<Page<Alert>>("GET", path("alerts"), { query, signal }),
  alertShow: (id: string, signal?: Signal) => json<AlertView>("GET", path("alerts", id), { signal }),
  alertAssign: (id: string, body: { to: string }) => json<AlertView>("POST", path("alerts", id, "assign"), { body }),
  alertComment: (id: string, body: { text: string }) => json<AlertView>("POST", path("alerts", id, "comment"), { body }),
  alertClose: (id: string, body: { verdict: string; comment: string }) => json<AlertView>("POST", path("alerts", id, "close"), { body }),
  detectionRuleList: (query: Query, signal?: Signal) => json<Page<DetectionRule>>("GET", path("detection-rules"), { query, signal }),
  detectionRuleApply: (text: string) => json<RulesChanged>("POST", path("detection-rules"), { body: { text } }),
  detectionRuleEnable: (id: string) => json<RulesChanged>("POST", path("detection-rules", id, "enable")),
  detectionRuleDisable: (id: string) => json<RulesChanged>("POST", path("detection-rules", id, "disable")),
  detectionRuleTest: (id: string, days: number) => json<BackTested>("GET", path("detection-rules", id, "test"), { query: { days } }),
  checkoutList: (query: Query, signal?: Signal) => json<Page<Checkout>>("GET", path("checkouts"), { query, signal }),
  checkoutOpen: (body: { account: string; reason: string }) => json<CheckedOut>("POST", path("checkouts"), { body }),
  checkoutClose: (id: string) => json<Checkout>("POST", path("checkouts", id, "checkin")),
  connectTokenCreate: (body: { account: string; expires_in_seconds: number }) => json<ConnectTicket>("POST", path("connect-tokens"), { body }),

  discoveryList: (query: Query, signal?: Signal) => json<Page<DiscoveryRun>>("GET", path("discoveries"), { query, signal }),
  discoveryShow: (id: string, signal?: Signal) => json<DiscoveryView>("GET", path("discoveries", id), { signal }),
  discoveryStart: (body: { assets?: string[]; labels?: Record<string, string> }) => json<DiscoveryRun>("POST", path("discoveries"), { body }),
  discoveryCancel: (id: string) => call("POST", path("discoveries", id, "cancel")),
  inventoryList: (query: Query, signal?: Signal) => json<Page<Inventory>>("GET", path("inventory"), { query, signal }),
  findingList: (query: Query, signal?: Signal) => json<Page<Finding>>("GET", path("findings"), { query, signal }),
  findingShow: (id: string, signal?: Signal) => json<Finding>("GET", path("findings", id), { signal }),
  findingAdopt: (id: string, owner: string | undefined) => call("POST", path("findings", id, "adopt"), { body: owner ? { owner } : {} }),
  findingOwn: (id: string, owner: string) => call("POST", path("findings", id, "own"), { body: { owner } }),
  hostAdopt: (id: string, body: { name: string; platform?: Asset["platform"] }) => call("POST", path("hosts", id, "adopt"), { body }),
  findingAccept: (id: string, body: { until: string; reason: string }) => call("POST", path("findings", id, "accept"), { body }),
  findingAct: (id: string, verb: "disable" | "remove") => call("POST", path("findings", id, verb)),

  grantList: (query: Query, signal?: Signal) => json<Page<Grant>>("GET", path("grants"), { query, signal }),
  grantRevoke: (id: string, reason: string) => call("POST", path("grants", id, "revoke"), { body: { reason } }),

  holdList: (query: Query, signal?: Signal) => json<Page<Hold>>("GET", path("holds"), { query, signal }),
  holdPlace: (body: HoldInput) => json<Hold>("POST", path("holds"), { body }),
  holdRelease: (id: string, reason: string) => json<Hold>("POST", path("holds", id, "release"), { body: { reason } }),
  holdKeep: (id: string) => json<Hold>("POST", path("holds", id, "keep")),
  retention: (signal?: Signal) => json<RetentionView>("GET", path("retention"), { signal }),
  recordingFate: (id: string, signal?: Signal) => json<RecordingFate>("GET", path("sessions", id, "retention"), { signal }),
  reportList: (query: Query, signal?: Signal) => json<Page<Report>>("GET", path("reports"), { query, signal }),
  reportRun: (body: { kind: Report["kind"]; scope: string; since: string; until?: string }) => json<Report>("POST", path("reports"), { body }),
  reportReview: (id: string, body: { accepted: boolean; comment: string }) => json<Report>("POST", path("reports", id, "review"), { body }),
  reportSchedules: (signal?: Signal) => json<Page<ReportSchedule>>("GET", path("report-schedules"), { signal }),
  reportSchedule: (body: { kind: Report["kind"]; scope: string; every: ReportSchedule["every"] }) => json<ReportSchedule>("POST", path("report-schedules"), { body }),
  reportUnschedule: (id: string) => call("DELETE", path("report-schedules", id)),
  reviewList: (query: Query, signal?: Signal) => json<Page<Review>>("GET", path("reviews"), { query, signal }),
  reviewStart: (body: { name: string; scope: string; plan: Partial<ReviewPlan> }) => json<ReviewStarted>("POST", path("reviews"), { body }),
  reviewShow: (id: string, signal?: Signal) => json<Review>("GET", path("reviews", id), { signal }),
  reviewItems: (id: string, query: Query, signal?: Signal) => json<Page<ReviewItem>>("GET", path("reviews", id, "items"), { query, signal }),
  reviewDecide: (id: string, body: { items: number[]; decision: ReviewItem["advice"]; reason: string }) => json<ReviewAnswered>("POST", path("reviews", id, "decide"), { body }),
  reviewClose: (id: string) => json<Review>("POST", path("reviews", id, "close")),
  reviewStop: (id: string) => json<Review>("POST", path("reviews", id, "stop")),

  sessionList: (query: Query, signal?: Signal) => json<Page<Session>>("GET", path("sessions"), { query, signal }),
  sessionShow: (id: string, signal?: Signal) => json<Session>("GET", path("sessions", id), { signal }),
  sessionKill: (id: string, reason: string) => call("POST", path("sessions", id, "kill"), { body: { reason } }),
  sessionMessage: (id: string, text: string) => call("POST", path("sessions", id, "message"), { body: { text } }),
  sessionIntegrity: (id: string, signal?: Signal) =>
    json<Integrity>("GET", path("sessions", id, "integrity"), { signal }),
  sessionRecording: async (id: string, format: "asciicast" | "text" | "json", signal?: Signal) => {
    const response = await call("GET", path("sessions", id, "recording"), { query: { format }, signal });
    return response.text();
  },
  sessionLive: (id: string, signal?: Signal) => json<SessionLive>("GET", path("sessions", id, "live"), { signal }),
  sessionPause: (id: string, reason?: string) => nothing("POST", path("sessions", id, "pause"), { body: reason ? { reason } : {} }),
  sessionResume: (id: string) => nothing("POST", path("sessions", id, "resume"), { body: {} }),
  recordingMarks: (id: string, signal?: Signal) => json<RecordingMarks>("GET", path("sessions", id, "recording", "marks"), { signal }),
  recordingSearch: (id: string, q: string, signal?: Signal) => json<RecordingSearch>("GET", path("sessions", id, "recording", "search"), { query: { q }, signal }),
  sessionWatch: (id: string, signal: AbortSignal) => call("GET", path("sessions", id, "watch"), { signal }),

  sqlConsoleOpen: (account: string, database: string) => json<SqlConsoleOpened>("POST", path("sql-consoles"), { body: database ? { account, database } : { account } }),
  terminalOpen: (account: string) => json<TerminalOpened>("POST", path("terminals"), { body: { account } }),
  terminalEnd: (session: string) => nothing("DELETE", path("terminals", session)),
  fileList: (session: string, folder: string, signal?: Signal) => json<Folder>("GET", path("terminals", session, "files"), { query: { path: folder }, signal }),
  fileDownload: (session: string, file: string, signal?: Signal) => call("GET", path("terminals", session, "files", "content"), { query: { path: file }, signal }),
  folderMake: (session: string, folder: string) => nothing("POST", path("terminals", session, "files", "folder"), { body: { path: folder } }),
  fileRename: (session: string, from: string, to: string) => nothing("POST", path("terminals", session, "files", "rename"), { body: { from, to } }),
  fileRemove: (session: string, file: string) => nothing("DELETE", withQuery(path("terminals", session, "files"), { path: file })),

  auditList: (query: Query, signal?: Signal) => json<Page<AuditItem>>("GET", path("audit"), { query, signal }),
  auditShow: (index: number, signal?: Signal) => json<AuditItem>("GET", path("audit", index), { signal }),
  auditProof: (index: number, signal?: Signal) => json<Proof>("GET", path("audit", index, "proof"), { signal }),

  vaultStatus: (signal?: Signal) => json<VaultStatus>("GET", path("vault"), { signal }),
  vaultSeal: () => call("POST", path("vault", "seal")),
  vaultUnseal: (body: { passphrase: string } | { shares: string[] } | { key_file: true }) => call("POST", path("vault", "unseal"), { body }),
  vaultRotateKey: () => call("POST", path("vault", "rotate-key")),

  statusShow: (signal?: Signal) => json<Status>("GET", path("status"), { signal }),
};

/** Addresses that the browser itself loads from or sends to. */
export const addresses = {
  recording: (id: string, format: "asciicast" | "text" | "json") =>
    withQuery(path("sessions", id, "recording"), { format }),
  reportFile: (id: string, format: "pdf" | "csv" | "json" | "note" | "review") => withQuery(path("reports", id, "file"), { format }),
  reviewEvidence: (id: string, format: "json" | "csv" | "note") => withQuery(path("reviews", id, "evidence"), { format }),
  audit: (query: Query) => withQuery(path("audit", "export"), query),
  upload: (session: string, file: string, overwrite: boolean) => withQuery(path("terminals", session, "files", "content"), { path: file, overwrite }),
};

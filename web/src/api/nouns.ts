import type { components } from "./types";

type Schemas = components["schemas"];

export type Access = Schemas["AccessItem"];
export type Account = Schemas["Account"];
export type ApiToken = Schemas["ApiToken"];
export type ApprovalRule = Schemas["ApprovalRule"];
export type Applied = Schemas["Applied"];
export type Asset = Schemas["Asset"];
export type AuditItem = Schemas["AuditEntry"];
export type Demands = Schemas["Demands"];
export type FileEntry = Schemas["FileEntry"];
export type Folder = Schemas["Folder"];
export type Grant = Schemas["Grant"];
export type Group = Schemas["Group"];
export type HostKey = Schemas["HostKey"];
export type Integrity = Schemas["Integrity"];
export type Link = Schemas["LinkIssued"];
export type LinkShown = Schemas["LinkView"];
export type Login = Schemas["Login"];
export type Obligations = Schemas["Obligations"];
export type AccessExplained = Schemas["AccessExplained"];
export type DayFigures = Schemas["DayFigures"];
export type Counts = Schemas["Counts"];
export type Document = Schemas["Document"];
export type DocumentsRead = Schemas["DocumentsRead"];
export type DocumentsWritten = Schemas["DocumentsWritten"];
export type Explained = Schemas["Explained"];
export type Estate = Schemas["Estate"];
export type Home = Schemas["Home"];
export type Checkout = Schemas["Checkout"];
export type CheckedOut = Schemas["CheckedOut"];
export type ConnectTicket = Schemas["ConnectTicket"];
export type DiscoveryRun = Schemas["DiscoveryRun"];
export type DiscoveryView = Schemas["DiscoveryView"];
export type Finding = Schemas["Finding"];
export type Inventory = Schemas["Inventory"];
export type WaitingStatement = Schemas["WaitingStatement"];
export type Passkey = Schemas["Passkey"];
export type PasskeyAnswer = Schemas["PasskeyAnswer"];
export type PasskeyOffer = Schemas["PasskeyOffer"];
export type ReachItem = Schemas["ReachItem"];
export type RequestContext = Schemas["RequestContext"];
export type SettingsView = Schemas["SettingsView"];
export type TextProblem = Schemas["TextProblem"];
export type Permission = Schemas["Permission"];
export type Policy = Schemas["Policy"];
export type PolicyDeleted = Schemas["PolicyDeleted"];
export type Problem = Schemas["Problem"];
export type Proof = Schemas["InclusionProof"];
export type RecordingMark = Schemas["RecordingMark"];
export type RecordingMarks = Schemas["RecordingMarks"];
export type RecordingSearch = Schemas["RecordingSearch"];
export type Request = Schemas["Request"];
export type Risk = Schemas["Risk"];
export type WeighedRequest = Schemas["WeighedRequest"];
export type Role = Schemas["Role"];
export type RoleAssignment = Schemas["RoleAssignment"];
export type Rotation = Schemas["Rotation"];
export type Scope = Schemas["ScopeBody"];
export type Session = Schemas["Session"];
export type SessionLive = Schemas["SessionLive"];
export type SshKey = Schemas["SshKey"];
export type Status = Schemas["Status"];
export type SqlConsoleOpened = Schemas["SqlConsoleOpened"];
export type TerminalOpened = Schemas["TerminalOpened"];
export type User = Schemas["User"];
export type VaultStatus = Schemas["VaultStatus"];
export type Who = Schemas["WhoAmI"];
export type Why = NonNullable<Schemas["Problem"]["reasons"]>[number];

/** One page of a listing; `next` is the cursor of the following one. */
export interface Page<T> {
  items: T[];
  next?: string | null;
  /** How many there are in all, where that was asked for and is not too much to count. */
  total?: number;
}

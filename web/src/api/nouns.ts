import type { components } from "./types";

type Schemas = components["schemas"];

export type Access = Schemas["AccessItem"];
export type Account = Schemas["Account"];
export type ApiToken = Schemas["ApiToken"];
export type ApprovalRule = Schemas["ApprovalRule"];
export type Asset = Schemas["Asset"];
export type AuditItem = Schemas["AuditEntry"];
export type Demands = Schemas["Demands"];
export type Grant = Schemas["Grant"];
export type Group = Schemas["Group"];
export type HostKey = Schemas["HostKey"];
export type Integrity = Schemas["Integrity"];
export type Link = Schemas["LinkIssued"];
export type LinkShown = Schemas["LinkView"];
export type Login = Schemas["Login"];
export type Obligations = Schemas["Obligations"];
export type Permission = Schemas["Permission"];
export type Policy = Schemas["Policy"];
export type Problem = Schemas["Problem"];
export type Proof = Schemas["InclusionProof"];
export type Request = Schemas["Request"];
export type Role = Schemas["Role"];
export type RoleAssignment = Schemas["RoleAssignment"];
export type Scope = Schemas["ScopeBody"];
export type Session = Schemas["Session"];
export type SshKey = Schemas["SshKey"];
export type Status = Schemas["Status"];
export type User = Schemas["User"];
export type VaultStatus = Schemas["VaultStatus"];
export type Who = Schemas["WhoAmI"];
export type Why = NonNullable<Schemas["Problem"]["reasons"]>[number];

/** A session in the browser's terminal, with the ticket that attaches to it. */
export interface TerminalOpened {
  session: string;
  ticket: string;
  account: string;
  until: string;
  capabilities: string[];
  clipboard: { copy: boolean; paste: boolean; paste_bytes_max?: number | null };
  kept_seconds: number;
}

export interface FileEntry {
  name: string;
  kind: "file" | "folder" | "link" | "other";
  bytes: number;
  modified_at?: string | null;
  mode?: string | number | null;
}

export interface FileList {
  path: string;
  entries: FileEntry[];
  truncated: boolean;
}

/** One page of a listing; `next` is the cursor of the following one. */
export interface Page<T> {
  items: T[];
  next?: string | null;
}

export interface components {
  schemas: {
    UserState: "invited" | "active" | "disabled";
    Permission:
      | "user:read" | "user:write" | "group:write" | "role:write" | "asset:read" | "asset:write"
      | "host_key:write" | "secret:write" | "policy:read" | "policy:write" | "request:create"
      | "request:read" | "request:approve" | "grant:revoke" | "session:read" | "recording:read"
      | "session:kill" | "audit:read" | "vault:read" | "vault:manage" | "status:read";
    RoleAssignment: { role: string; scope: string };
    Role: { name: string; permissions: components["schemas"]["Permission"][]; built_in: boolean };
    User: {
      id: string;
      name: string;
      email?: string | null;
      scope: string;
      state: components["schemas"]["UserState"];
      groups: string[];
      roles: components["schemas"]["RoleAssignment"][];
      totp: boolean;
      created_at: string;
      last_seen_at?: string | null;
    };
    Group: {
      id: string;
      name: string;
      scope: string;
      members: string[];
      roles: components["schemas"]["RoleAssignment"][];
    };
    SshKey: {
      id: string;
      user: string;
      fingerprint: string;
      algorithm: string;
      public_key: string;
      comment: string;
      created_at: string;
      last_used_at?: string | null;
    };
    ApiToken: {
      id: string;
      user: string;
      name: string;
      permissions: components["schemas"]["Permission"][];
      scope: string;
      created_at: string;
      expires_at: string;
      last_used_at?: string | null;
    };
    Login: {
      id: string;
      source: string;
      client: string;
      created_at: string;
      last_used_at: string;
      expires_at: string;
      mfa_at?: string | null;
    };
    Held: { permission: components["schemas"]["Permission"]; scope: string };
    Who: {
      user: components["schemas"]["User"];
      login: components["schemas"]["Login"];
      permissions: components["schemas"]["Held"][];
      scopes: string[];
    };
    Platform: "linux" | "network_device" | "postgresql" | "mysql" | "redis";
    Asset: {
      id: string;
      name: string;
      scope: string;
      platform: components["schemas"]["Platform"];
      address: string;
      labels: { [key: string]: string };
      created_at: string;
    };
    HostKeyState: "seen" | "pinned" | "rejected";
    HostKey: {
      id: string;
      asset: string;
      fingerprint: string;
      public_key: string;
      state: components["schemas"]["HostKeyState"];
      seen_at: string;
    };
    CredentialKind: "password" | "ssh_key" | "ssh_certificate";
    AccountState: "discovered" | "managed" | "orphaned" | "disabled";
    Account: {
      id: string;
      name: string;
      asset: string;
      scope: string;
      credential: components["schemas"]["CredentialKind"];
      owner?: string | null;
      state: components["schemas"]["AccountState"];
      ready: boolean;
      created_at: string;
      last_used_at?: string | null;
    };
    Capability:
      | "shell" | "exec" | "sftp_read" | "sftp_write" | "local_forward" | "remote_forward"
      | "dynamic_forward" | "agent" | "x11" | "env";
    ApprovalRule: { count: number; groups?: string[] };
    Obligations: {
      capabilities: components["schemas"]["Capability"][];
      mfa_max_age_seconds: number;
      approval?: components["schemas"]["ApprovalRule"] | null;
      reason_required: boolean;
      ticket_pattern?: string | null;
      max_duration_seconds: number;
      idle_seconds?: number | null;
      concurrent_sessions?: number | null;
      recording: "strict";
    };
    Day: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
    Hours: { days?: components["schemas"]["Day"][]; from: string; to: string; zone?: string };
    Policy: {
      id: string;
      name: string;
      scope: string;
      description: string;
      effect: "allow" | "deny";
      subjects: { users: string[]; groups: string[] };
      accounts: {
        names: string[];
        assets: string[];
        labels: { [key: string]: string };
        platforms: components["schemas"]["Platform"][];
      };
      conditions: { networks: string[]; hours: components["schemas"]["Hours"][] };
      access: "request" | "standing";
      obligations: components["schemas"]["Obligations"];
      revision: number;
    };
    RequestState: "pending" | "granted" | "denied" | "expired" | "withdrawn";
    Approval: { user: string; approved: boolean; reason?: string | null; at: string };
    Request: {
      id: string;
      user: string;
      account: string;
      scope: string;
      duration_seconds: number;
      reason: string;
      ticket?: string | null;
      state: components["schemas"]["RequestState"];
      policy: string;
      approval?: components["schemas"]["ApprovalRule"] | null;
      approvals: components["schemas"]["Approval"][];
      grant?: string | null;
      created_at: string;
      expires_at: string;
    };
    GrantState: "scheduled" | "active" | "expired" | "revoked";
    Grant: {
      id: string;
      request: string;
      user: string;
      account: string;
      scope: string;
      policy: string;
      obligations: components["schemas"]["Obligations"];
      starts_at: string;
      ends_at: string;
      revoked_at?: string | null;
      revoked_reason?: string | null;
      state: components["schemas"]["GrantState"];
    };
    EndReason:
      | "client_closed" | "target_closed" | "target_failed" | "expired" | "revoked" | "idle" | "killed"
      | "policy_changed" | "user_disabled" | "recorder_failed" | "shutdown" | "unknown";
    SessionState: "opening" | "live" | "ended";
    RecordingSummary: { bytes: number; digest?: string | null };
    Session: {
      id: string;
      user: string;
      account: string;
      scope: string;
      protocol: string;
      source: string;
      policy: string;
      grant?: string | null;
      state: components["schemas"]["SessionState"];
      started_at: string;
      ends_by: string;
      ended_at?: string | null;
      end_reason?: components["schemas"]["EndReason"] | null;
      recording?: components["schemas"]["RecordingSummary"] | null;
    };
    IntegrityVerdict: "verified" | "live" | "incomplete" | "altered" | "missing";
    Integrity: {
      verdict: components["schemas"]["IntegrityVerdict"];
      digest?: string | null;
      ledger_digest?: string | null;
      detail?: string | null;
    };
    Actor:
      | { kind: "user"; name: string; source?: string | null }
      | { kind: "unknown"; source: string }
      | { kind: "system" }
      | { kind: "console" };
    Outcome: "intent" | "done" | "failed" | "refused" | "unknown";
    Event: {
      at: string;
      actor: components["schemas"]["Actor"];
      action: string;
      target: string;
      scope: string;
      outcome: components["schemas"]["Outcome"];
      details?: { [key: string]: unknown };
    };
    AuditEntry: { index: number; hash: string; event: components["schemas"]["Event"] };
    InclusionProof: {
      index: number;
      leaf: string;
      hash: string;
      path: string[];
      size: number;
      root: string;
      checkpoint: string;
    };
    Why: { code: string; message: string; [key: string]: unknown };
    Problem: {
      type: string;
      title: string;
      status: number;
      code: string;
      detail: string;
      field?: string | null;
      reasons?: components["schemas"]["Why"][];
      max_age_seconds?: number | null;
      retry_after_seconds?: number | null;
      next?: string | null;
      link?: string | null;
    };
    Demands: {
      mfa_max_age_seconds: number;
      approval?: components["schemas"]["ApprovalRule"] | null;
      reason_required: boolean;
      ticket_pattern?: string | null;
      max_duration_seconds: number;
    };
    Access: {
      account: string;
      asset: { name: string; platform: components["schemas"]["Platform"]; labels: { [key: string]: string } };
      state: "ready" | "request" | "pending" | "unavailable";
      grant?: string | null;
      request?: string | null;
      policy?: string | null;
      demands?: components["schemas"]["Demands"] | null;
      reasons?: components["schemas"]["Why"][];
      ssh?: string | null;
    };
    Link: { url: string; expires_at: string };
    LinkShown: {
      purpose: "setup" | "enrol" | "factor";
      user?: string | null;
      expires_at: string;
      totp?: { secret: string; otpauth_uri: string } | null;
    };
    VaultStatus: {
      sealed: boolean;
      vault_id?: string | null;
      kek_current?: number | null;
      kek_count: number;
      recipients: string[];
    };
    LedgerStatus: { size: number; checkpoint_size: number };
    Status: {
      version: string;
      started_at: string;
      vault_sealed: boolean;
      ledger: components["schemas"]["LedgerStatus"];
      sessions_live: number;
      problems: string[];
    };
    Scope: { path: string };
  };
}

import { Gate } from "./gate";
import { Person } from "./person";
import { Target } from "./target";

export type Document = Record<string, unknown> & { kind: string };

/** Access to `web-1`: one account that developers always have, one that they must ask for. */
function access(target: Target): Document[] {
  return [
    { kind: "Asset", name: "web-1", platform: "linux", address: `127.0.0.1:${target.port}`, labels: { env: "test", service: "shop" }, host_keys: [target.hostKey] },
    { kind: "Account", account: "root@web-1", credential: "ssh_certificate" },
    { kind: "Account", account: "deploy@web-1", credential: "password" },
    { kind: "Group", name: "developers" },
    { kind: "Group", name: "leads", roles: [{ role: "approver", scope: "/" }] },
    {
      kind: "Policy", name: "deploy-the-shop", description: "Developers use the deployment account at any time, with a second factor of today", access: "standing",
      subjects: { groups: ["developers"] }, accounts: { names: ["deploy"], labels: { service: "shop" } },
      obligations: { capabilities: ["shell", "exec", "sftp_read", "sftp_write", "local_forward", "env"], mfa_max_age: "12h", reason_required: false, max_duration: "8h" },
    },
    {
      kind: "Policy", name: "root-for-a-task", description: "Root is asked for, with a reason and a ticket, and one of the leads says yes", access: "request",
      subjects: { groups: ["developers"] }, accounts: { names: ["root"], labels: { service: "shop" } },
      obligations: { capabilities: ["shell", "exec"], mfa_max_age: "12h", approval: { count: 1, groups: ["leads"] }, ticket_pattern: "CHG-[0-9]+", max_duration: "2h", idle: "15m" },
    },
  ];
}

/** Postern with an administrator who is signed in, and one target in it. */
export class World {
  private constructor(readonly gate: Gate, readonly target: Target, readonly ada: Person) {}

  static async start(): Promise<World> {
    const gate = await Gate.prepare();
    const password = "correct horse battery staple";
    const { totp_secret } = gate.setUp("ada", password);
    const [target] = await Promise.all([Target.start("web-1"), gate.start()]);
    const ada = await new Person(gate, "ada", password, totp_secret).signIn();
    const world = new World(gate, target, ada);
    await world.apply(access(target));
    target.trust(await ada.read("GET", "/v1/ssh-ca", undefined, "public_key"));
    await ada.expect("PUT", "/v1/accounts/deploy@web-1/secret", { password: target.password });
    return world;
  }

  /** Applies documents as the administrator. */
  async apply(documents: Document[]): Promise<void> {
    await this.ada.expect("POST", "/v1/apply", { documents });
  }

  /** Somebody new, enrolled and signed in. */
  async person(name: string, given: { email?: string; scope?: string; groups?: string[]; roles?: { role: string; scope: string }[] } = {}): Promise<Person> {
    const link = await this.ada.read("POST", "/v1/users", { name, ...given }, "link", "url");
    const person = await Person.enrol(this.gate, name, link);
    return person.signIn();
  }

  async end(): Promise<void> {
    await this.gate.remove();
    await this.target.remove();
  }
}

import type { ConnectTicket } from "../api/nouns";

/** What the gate's own authority is called where it is kept. */
export const AUTHORITY = "postern-ca.pem";

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** A connection string's value, quoted where it has to be. */
function value(text: string): string {
  return /^[\w.@:/-]+$/.test(text) ? text : quoted(text);
}

/** For a shell: within single quotes. */
function shell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** For a shell: as it is where nothing in it means anything there. */
function word(text: string): string {
  return /^[\w.@:/-]+$/.test(text) ? text : shell(text);
}

/** The line that starts psql, which asks for the token: it is in no argument and in no shell's history. */
function psqlLine(ticket: ConnectTicket, database: string): string {
  const root = ticket.authority ? AUTHORITY : "system";
  return `psql ${shell(`host=${value(ticket.host)} port=${ticket.port} user=${value(ticket.account)} dbname=${value(database)} sslmode=verify-full sslrootcert=${root}`)}`;
}

/** The line that starts MariaDB's client, which asks for the token. */
function mariadbLine(ticket: ConnectTicket, database: string): string {
  const root = ticket.authority ? ` --ssl-ca=${AUTHORITY}` : "";
  return `mariadb -h ${word(ticket.host)} -P ${ticket.port} -u ${word(ticket.account)} -p --protocol=tcp${root} --ssl-verify-server-cert${database ? ` ${word(database)}` : ""}`;
}

/** The same for MySQL's. */
function mysqlLine(ticket: ConnectTicket, database: string): string {
  const root = ticket.authority ? `--ssl-mode=VERIFY_IDENTITY --ssl-ca=${AUTHORITY}` : "--ssl-mode=VERIFY_IDENTITY";
  return `mysql -h ${word(ticket.host)} -P ${ticket.port} -u ${word(ticket.account)} -p --protocol=tcp ${root}${database ? ` ${word(database)}` : ""}`;
}

/** The line that starts redis-cli, which asks for the token. */
function redisLine(ticket: ConnectTicket, database: string): string {
  const root = ticket.authority ? ` --cacert ${AUTHORITY}` : "";
  return `redis-cli --tls -h ${word(ticket.host)} -p ${ticket.port} --user ${word(ticket.account)} --askpass${root}${database ? ` -n ${word(database)}` : ""}`;
}

/** The clients that people have for a protocol, with the line that starts each. */
export function linesOf(ticket: ConnectTicket, database: string): { client: string; line: string }[] {
  switch (ticket.protocol) {
    case "mysql": return [{ client: "mariadb", line: mariadbLine(ticket, database) }, { client: "mysql", line: mysqlLine(ticket, database) }];
    case "redis": return [{ client: "redis-cli", line: redisLine(ticket, database) }];
    default: return [{ client: "psql", line: psqlLine(ticket, database) }];
  }
}

/** What clients of a protocol begin with: PostgreSQL wants a name, Redis a number, MySQL nothing. */
export function firstDatabase(protocol: string, account: string): string {
  return protocol === "postgresql" ? account.slice(0, account.lastIndexOf("@")) : "";
}

/** As drivers take it. */
export function uriOf(ticket: ConnectTicket, database: string): string {
  const host = ticket.host.includes(":") ? `[${ticket.host}]` : ticket.host;
  const at = `${encodeURIComponent(ticket.account)}:${encodeURIComponent(ticket.token)}@${host}:${ticket.port}/${encodeURIComponent(database)}`;
  switch (ticket.protocol) {
    case "mysql": return `mysql://${at}${ticket.authority ? `?ssl-ca=${AUTHORITY}` : ""}`;
    case "redis": return `rediss://${at}${ticket.authority ? `?ssl_ca_certs=${AUTHORITY}` : ""}`;
    default: return `postgresql://${at}?sslmode=verify-full&sslrootcert=${ticket.authority ? AUTHORITY : "system"}`;
  }
}

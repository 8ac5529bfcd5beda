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

/** The line that starts psql, which asks for the token: it is in no argument and in no shell's history. */
export function psqlLine(ticket: ConnectTicket, database: string): string {
  const root = ticket.authority ? AUTHORITY : "system";
  return `psql ${shell(`host=${value(ticket.host)} port=${ticket.port} user=${value(ticket.account)} dbname=${value(database)} sslmode=verify-full sslrootcert=${root}`)}`;
}

/** As libpq, JDBC and most drivers take it. */
export function uriOf(ticket: ConnectTicket, database: string): string {
  const host = ticket.host.includes(":") ? `[${ticket.host}]` : ticket.host;
  const root = ticket.authority ? AUTHORITY : "system";
  return `postgresql://${encodeURIComponent(ticket.account)}:${encodeURIComponent(ticket.token)}@${host}:${ticket.port}/${encodeURIComponent(database)}?sslmode=verify-full&sslrootcert=${root}`;
}

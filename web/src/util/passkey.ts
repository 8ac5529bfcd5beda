/** What the server asks an authenticator, with byte strings in base64url: `{"publicKey": {…}}`. */
type Options = unknown;

/** Whether this browser can do passkeys on this page at all. */
export const PASSKEYS = typeof PublicKeyCredential === "function";

/** Why the person's authenticator gave no answer. */
export class PasskeyError extends Error {}

function publicKey(options: Options): Record<string, unknown> {
  const key: unknown = typeof options === "object" && options !== null && "publicKey" in options ? options.publicKey : options;
  return typeof key === "object" && key !== null ? { ...key } : {};
}

const REPLACED: Record<string, string> = { "-": "+", _: "/" };

function decoded(text: unknown): ArrayBuffer {
  const binary = atob(String(text).replaceAll(/[-_]/g, (char) => REPLACED[char] ?? char));
  return Uint8Array.from(binary, (char) => char.codePointAt(0) ?? 0).buffer;
}

function encoded(bytes: ArrayBuffer | null): string | null {
  if (!bytes) return null;
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCodePoint(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function known(list: unknown): PublicKeyCredentialDescriptor[] {
  return Array.isArray(list) ? list.map((each: { id: unknown; transports?: AuthenticatorTransport[] }) => ({ type: "public-key", id: decoded(each.id), ...(each.transports ? { transports: each.transports } : {}) })) : [];
}

function answered(credential: Credential | null): PublicKeyCredential {
  if (credential instanceof PublicKeyCredential) return credential;
  throw new PasskeyError();
}

/** A new passkey, as the server takes it. */
export async function createPasskey(options: Options): Promise<unknown> {
  const asked = publicKey(options);
  const user = asked.user as { id: unknown; name: string; displayName: string };
  const made = answered(
    await navigator.credentials.create({
      publicKey: { ...(asked as unknown as PublicKeyCredentialCreationOptions), challenge: decoded(asked.challenge), user: { ...user, id: decoded(user.id) }, excludeCredentials: known(asked.excludeCredentials) },
    }),
  );
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id, rawId: encoded(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults(),
    response: { clientDataJSON: encoded(response.clientDataJSON), attestationObject: encoded(response.attestationObject), transports: response.getTransports() },
  };
}

/** The answer of a passkey that exists, as the server takes it. */
export async function answerByPasskey(options: Options): Promise<unknown> {
  const asked = publicKey(options);
  const given = answered(
    await navigator.credentials.get({
      publicKey: { ...(asked as unknown as PublicKeyCredentialRequestOptions), challenge: decoded(asked.challenge), allowCredentials: known(asked.allowCredentials) },
    }),
  );
  const response = given.response as AuthenticatorAssertionResponse;
  return {
    id: given.id, rawId: encoded(given.rawId), type: given.type, clientExtensionResults: given.getClientExtensionResults(),
    response: { clientDataJSON: encoded(response.clientDataJSON), authenticatorData: encoded(response.authenticatorData), signature: encoded(response.signature), userHandle: encoded(response.userHandle) },
  };
}

import type { Proof } from "../api/nouns";

export interface Verified {
  /** The leaf's bytes hash to the leaf hash that was named. */
  leaf: boolean;
  /** The leaf hash and its siblings lead to the root. */
  root: boolean;
  /** The root and the size are those of the signed checkpoint's text. */
  checkpoint: boolean;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.codePointAt(0) ?? 0);
}

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root that a leaf hash and its siblings lead to (RFC 9162 §2.1.3.2); undefined when they do not fit the tree. */
async function rootOf(index: number, size: number, hash: Uint8Array, path: Uint8Array[]): Promise<Uint8Array | undefined> {
  if (index >= size) return undefined;
  let [fn, sn, root] = [index, size - 1, hash];
  for (const sibling of path) {
    if (sn === 0) return undefined;
    // Each level hashes what the one below gave.
    /* eslint-disable no-await-in-loop */
    if (fn % 2 === 1 || fn === sn) {
      root = await sha256(NODE, sibling, root);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else {
      root = await sha256(NODE, root, sibling);
    }
    /* eslint-enable no-await-in-loop */
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 ? root : undefined;
}

/** Recomputes a proof of inclusion; needs a secure context. */
export async function verifyInclusion(proof: Proof): Promise<Verified> {
  const leaf = toHex(await sha256(LEAF, fromBase64(proof.leaf))) === proof.hash;
  const root = await rootOf(proof.index, proof.size, fromHex(proof.hash), proof.path.map(fromHex));
  const [, size, signed = ""] = proof.checkpoint.split("\n");
  return {
    leaf,
    root: root !== undefined && toHex(root) === proof.root,
    checkpoint: size === String(proof.size) && root !== undefined && btoa(String.fromCodePoint(...root)) === signed,
  };
}

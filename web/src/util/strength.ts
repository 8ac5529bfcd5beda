export interface Strength {
  /** 0 to 4. */
  score: 0 | 1 | 2 | 3 | 4;
  hint: "empty" | "short" | "repeats" | "common" | "name" | "fair" | "good" | "strong";
}

const LENGTH_MIN = 12;
const COMMON = /password|passwort|qwert|asdf|12345|abcdef|letmein|welcome|admin|postern|secret|iloveyou|monkey|dragon/i;

/** A rough estimate for a person who is typing; the server has the last word. */
export function strengthOf(password: string, name: string): Strength {
  if (password === "") return { score: 0, hint: "empty" };
  if (password.length < LENGTH_MIN) return { score: 1, hint: "short" };
  const distinct = new Set(password).size;
  if (distinct < 6) return { score: 1, hint: "repeats" };
  if (name.length >= 3 && password.toLowerCase().includes(name.toLowerCase())) return { score: 1, hint: "name" };
  if (COMMON.test(password) && password.length < 20) return { score: 2, hint: "common" };
  const alphabet =
    (/[a-z]/.test(password) ? 26 : 0) + (/[A-Z]/.test(password) ? 26 : 0) + (/\d/.test(password) ? 10 : 0) + (/[^a-zA-Z\d]/.test(password) ? 33 : 0);
  // Repeated characters add less than new ones.
  const bits = Math.log2(alphabet) * (distinct + (password.length - distinct) / 2);
  if (bits < 60) return { score: 2, hint: "fair" };
  return bits < 80 ? { score: 3, hint: "good" } : { score: 4, hint: "strong" };
}

import { t } from "../i18n";

/** The first of many names, and how many more there are. */
export function few(names: string[], max: number): string {
  const more = names.length - max;
  return more > 0 ? `${names.slice(0, max).join(", ")} ${t.reviews.more(more)}` : names.join(", ");
}

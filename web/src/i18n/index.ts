import { en } from "./en";

/** Every text of the console. Another language is another object of this shape. */
export type Catalogue = typeof en;

export const t: Catalogue = en;

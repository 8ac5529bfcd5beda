import { en } from "./first.en";

/**
 * The texts of the pages that are there before anybody has signed in. What is loaded with them takes its texts from
 * here; everything else from the whole catalogue, which comes with the first page behind the sign-in.
 */
export const t: typeof en = en;

/** The server's time: a browser's own clock may be days off. */

import { lasting } from "@/lib/storage";

const OFFSET = "vidwiz.clock";
/** A difference that is as good as none: answers take a while, and their dates have no fractions. */
const NONE_MS = 60_000;

/** Milliseconds since 1970, as the server counts them. */
export function now(): number {
  return Date.now() + (Number(lasting.read(OFFSET)) || 0);
}

/** Learns from an answer's Date header; tells whether the server's time is another than was thought. */
export function heard(date: string | null): boolean {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs) || Math.abs(theirs - now()) < NONE_MS) return false;
  const offset = theirs - Date.now();
  lasting.write(OFFSET, Math.abs(offset) < NONE_MS ? null : String(offset));
  return true;
}

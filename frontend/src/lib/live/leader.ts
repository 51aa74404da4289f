/** One tab of a browser does the work for all: browsers open few connections to one server. */

import { ownName } from "@/lib/basePath";

const LOCK = ownName("vidwiz.live");

/** Runs ``work`` once this tab leads, until the signal aborts; the next tab then takes over. */
export async function lead(
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  // Locks exist on https and localhost only; elsewhere every tab works for itself.
  if (!("locks" in navigator)) return work(signal);
  try {
    await navigator.locks.request(LOCK, { signal }, () => work(signal));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

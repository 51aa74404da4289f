/** How long to wait before connecting again. */

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

/** Doubles with every failure, of which it takes a random half to all, so that clients spread. */
export function pauseAfter(failures: number, random: number = Math.random()): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return longest * (0.5 + random / 2);
}

/** Resolves after the pause, or early: when the network or the person comes back, or on abort. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      removeEventListener("focus", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    addEventListener("focus", done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

/** The videos that pages of this tab show, whose events are wanted whoever has notes on them. */

const counts = new Map<string, number>();
const listeners = new Set<() => void>();

export function watched(): string[] {
  return [...counts.keys()];
}

/** Tells when a video is watched that was not before. */
export function onWatchChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Watches a video until the function that it gives is called. */
export function watch(videoId: string): () => void {
  const before = counts.get(videoId) ?? 0;
  counts.set(videoId, before + 1);
  if (!before) listeners.forEach((listener) => listener());
  return () => {
    const left = (counts.get(videoId) ?? 1) - 1;
    if (left) counts.set(videoId, left);
    else counts.delete(videoId);
  };
}

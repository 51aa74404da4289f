/** Which videos the server was told that the signed-in person opened, so that each is told once a browser. */

import { session } from "@/lib/auth/credentials";
import { lasting } from "@/lib/storage";

const KEY = "vidwiz.opened";
const MOST = 200;

interface Opened {
  who: string;
  videoIds: string[];
}

export function wasOpened(videoId: string): boolean {
  return read().videoIds.includes(videoId);
}

/** A guest's openings are kept by nobody. */
export function keepOpened(videoId: string): void {
  const { who, videoIds } = read();
  if (who) {
    const others = videoIds.filter((one) => one !== videoId);
    lasting.write(KEY, JSON.stringify({ who, videoIds: [videoId, ...others].slice(0, MOST) }));
  }
}

export function forgetOpened(): void {
  lasting.write(KEY, null);
}

/** Of the person who is signed in; another one's say nothing. */
function read(): Opened {
  const who = session.read()?.email ?? "";
  try {
    const kept = JSON.parse(lasting.read(KEY) ?? "null") as Partial<Opened> | null;
    if (kept?.who === who && Array.isArray(kept.videoIds)) return { who, videoIds: kept.videoIds };
  } catch {
    // not one of ours
  }
  return { who, videoIds: [] };
}

/** How notes are stamped, as this person likes it; kept in the browser. */

import { useSyncExternalStore } from "react";
import { lasting } from "@/lib/storage";

export interface NoteSettings {
  /** Seconds that a note is stamped before the moment that the key was pressed. */
  lead: number;
  /** Whether the video waits while a note is typed. */
  pause: boolean;
}

export const LONGEST_LEAD = 30;
const DEFAULTS: NoteSettings = { lead: 5, pause: true };
const KEY = "vidwiz.notes";
const listeners = new Set<() => void>();

export function useNoteSettings(): NoteSettings {
  const text = useSyncExternalStore(subscribe, () => lasting.read(KEY));
  return settingsOf(text);
}

export function changeNoteSettings(change: Partial<NoteSettings>): void {
  lasting.write(KEY, JSON.stringify({ ...settingsOf(lasting.read(KEY)), ...change }));
  listeners.forEach((listener) => listener());
}

/** What was kept, within its bounds; what is missing or broken is as by default. */
export function settingsOf(text: string | null): NoteSettings {
  try {
    const kept = JSON.parse(text ?? "{}") as Partial<NoteSettings>;
    const lead = Math.round(kept.lead ?? DEFAULTS.lead);
    return {
      lead: lead >= 0 && lead <= LONGEST_LEAD ? lead : DEFAULTS.lead,
      pause: kept.pause ?? DEFAULTS.pause,
    };
  } catch {
    return DEFAULTS; // not one of ours
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

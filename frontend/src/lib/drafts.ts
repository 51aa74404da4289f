/** What was typed and not sent yet: it survives a reload, and signing in. */

import { useCallback, useSyncExternalStore } from "react";
import { session } from "@/lib/auth/credentials";
import { lasting } from "@/lib/storage";

const PREFIX = "vidwiz.draft.";

interface Draft {
  text: string;
  /** E-mail address of who wrote it; null is a guest, whose draft goes along into an account. */
  owner: string | null;
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A draft's text and how to change it; an empty text forgets it. ``name`` such as "note:<video>". */
export function useDraft(name: string): [string, (text: string) => void] {
  const text = useSyncExternalStore(subscribe, () => readDraft(name));
  const change = useCallback((next: string) => writeDraft(name, next), [name]);
  return [text, change];
}

export function readDraft(name: string): string {
  try {
    const draft = JSON.parse(lasting.read(PREFIX + name) ?? "null") as Draft | null;
    return draft && mayRead(draft) ? draft.text : "";
  } catch {
    return ""; // not one of ours
  }
}

export function writeDraft(name: string, text: string): void {
  const draft: Draft = { text, owner: session.read()?.email ?? null };
  lasting.write(PREFIX + name, text ? JSON.stringify(draft) : null);
  listeners.forEach((listener) => listener());
}

/** For signing out on purpose: nothing of this person stays in the browser. */
export function forgetDrafts(): void {
  lasting
    .keys()
    .filter((key) => key.startsWith(PREFIX))
    .forEach((key) => lasting.write(key, null));
}

function mayRead({ owner }: Draft): boolean {
  return owner === null || owner === session.read()?.email;
}

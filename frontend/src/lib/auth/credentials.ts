/** Who this browser is: a session (JWT), a guest, and for auditors an admin token. */

import { ownName } from "@/lib/basePath";
import { lasting, ofThisTab } from "@/lib/storage";
import { uuid } from "@/lib/uuid";
import { type Session, sessionOf } from "./claims";
import { heard, now } from "./clock";

const TOKEN = "vidwiz.token";
const GUEST = "vidwiz.guest";
const ADMIN = "vidwiz.admin";

type Listener = () => void;
const listeners = new Set<Listener>();
const changed = (): void => listeners.forEach((listener) => listener());

/** Tells when somebody signed in or out, in this tab or another one. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

addEventListener("storage", ({ key }) => {
  if (key === ownName(TOKEN) || key === null) changed();
});

/** An answer came: its date may say that a session has not run out, or has. */
export function learnTime(date: string | null): void {
  if (heard(date)) changed();
}

let current: Session | null = null;
let ending: "ran out" | "left" | null = null;

export const session = {
  /** The same object as long as the token is the same; null when signed out or expired. */
  read: (): Session | null => {
    const token = lasting.read(TOKEN);
    if (token !== (current?.token ?? null)) current = token ? sessionOf(token) : null;
    return current && current.expires > now() ? current : null;
  },
  open: (token: string): void => {
    ending = null;
    lasting.write(TOKEN, token);
    changed();
  },
  close: (): void => {
    ending = "left";
    lasting.write(TOKEN, null);
    changed();
  },
  /** The server refused this token; a newer one stays. */
  expire: (token: string): void => {
    if (lasting.read(TOKEN) !== token) return;
    ending = "ran out";
    lasting.write(TOKEN, null);
    changed();
  },
  /** Whether the last session ended by itself, which deserves a word. */
  ranOut: (): boolean => ending === "ran out",
  /** Whether the person has just signed out, and wants to see no page that needs an account. */
  wasLeft: (): boolean => ending === "left",
};

let wasRefused = false;

/** The auditor's token, kept for this tab only. */
export const admin = {
  read: (): string | null => ofThisTab.read(ADMIN),
  open: (token: string): void => {
    wasRefused = false;
    ofThisTab.write(ADMIN, token);
    changed();
  },
  close: (): void => {
    ofThisTab.write(ADMIN, null);
    changed();
  },
  expire: (token: string): void => {
    if (admin.read() !== token) return;
    wasRefused = true;
    admin.close();
  },
  /** Whether the last token was not the right one. */
  wasRefused: (): boolean => wasRefused,
};

let guest: string | null = null;

/** The guest's id, made on first use. */
export function guestId(): string {
  guest ??= lasting.read(GUEST) ?? uuid();
  lasting.write(GUEST, guest);
  return guest;
}

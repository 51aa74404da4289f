/** The session as React sees it: signing in or out, or running out, renders anew. */

import { useEffect, useSyncExternalStore } from "react";
import type { Session } from "./claims";
import { now } from "./clock";
import { admin, onChange, session } from "./credentials";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function useSession(): Session | null {
  const current = useSyncExternalStore(onChange, session.read);
  useEffect(() => {
    if (!current) return undefined;
    const left = current.expires - now();
    if (left > LONGEST_TIMER_MS) return undefined; // nobody leaves a tab open for weeks
    const timer = setTimeout(() => session.expire(current.token), left);
    return () => clearTimeout(timer);
  }, [current]);
  return current;
}

export function useAdminToken(): string | null {
  return useSyncExternalStore(onChange, admin.read);
}

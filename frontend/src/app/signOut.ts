/** Signing out on purpose: nothing of the person stays in this browser. */

import type { QueryClient } from "@tanstack/react-query";
import { admin, session } from "@/lib/auth/credentials";
import { forgetDrafts } from "@/lib/drafts";

export function signOut(queries: QueryClient): void {
  forgetDrafts();
  admin.close();
  session.close();
  queries.clear();
}

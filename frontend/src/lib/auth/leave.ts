/** Leaving on purpose: nothing of the person stays in this browser. */

import type { QueryClient } from "@tanstack/react-query";
import { forgetDrafts } from "@/lib/drafts";
import { forgetOpened } from "@/lib/opened";
import { forgetRecent } from "@/lib/recent";
import { admin, session } from "./credentials";

export function leave(queries: QueryClient): void {
  forgetDrafts();
  forgetOpened();
  forgetRecent();
  admin.close();
  session.close();
  queries.clear();
}

/** Changes the profile: at once on the page, and back again when the server refuses. */

import { send } from "@/lib/api/client";
import { keys } from "@/lib/api/keys";
import { useOptimistic } from "@/lib/api/optimistic";
import type { Profile } from "@/lib/api/types";

type Edit = Partial<Pick<Profile, "name" | "ai_notes_enabled">>;

export function useProfileEdit(failed: string) {
  return useOptimistic<Profile, Edit>({
    queryKey: keys.profile,
    send: (body) => send("patch", "/api/user/profile", { body }),
    apply: (profile, edit) => ({ ...profile, ...edit }),
    failed,
  });
}

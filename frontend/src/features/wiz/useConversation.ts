/** Which conversation is shown: the one last chosen on this video, else the newest, else a new one. */

import { useQuery } from "@tanstack/react-query";
import { useSession } from "@/lib/auth/useSession";
import { useDraft } from "@/lib/drafts";
import { conversationQuery, conversationsQuery } from "./queries";

const NEW = "new";

export function useConversation(videoId: string) {
  const who = useSession()?.email ?? "guest"; // whose conversations stay theirs after signing in
  const [kept, keep] = useDraft(`conversation:${who}:${videoId}`);
  const list = useQuery(conversationsQuery(videoId));
  const known = list.data ?? [];
  const id = kept === NEW ? null : ((Number(kept) || known[0]?.conversation_id) ?? null);
  const conversation = useQuery({
    ...conversationQuery(videoId, id ?? 0),
    enabled: id !== null,
  });
  return {
    id,
    list: known,
    conversation,
    choose: (next: number | null) => keep(next === null ? NEW : String(next)),
  };
}

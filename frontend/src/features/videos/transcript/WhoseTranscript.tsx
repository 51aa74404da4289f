/** Whose transcript is read, the person's own or everybody's, and the ways to change that. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { useSession } from "@/lib/auth/useSession";
import { toast } from "@/lib/toasts";
import { UploadCaptions } from "../UploadCaptions";
import { transcriptsQuery } from "../queries";

export function WhoseTranscript({ videoId }: { videoId: string }) {
  const signedIn = useSession() !== null;
  const { data } = useQuery({ ...transcriptsQuery(videoId), enabled: signedIn });
  const [asked, ask] = useState<"upload" | "remove" | null>(null);
  const choose = useChange(videoId, (use: "own" | "shared") =>
    send("patch", PATH, { path: { video_id: videoId }, body: { use } }),
  );
  const remove = useChange(videoId, () =>
    send("delete", PATH, { path: { video_id: videoId } }).then(() => ask(null)),
  );
  if (!data) return null;
  const readsOwn = data.reads === "own";
  const other = readsOwn ? data.shared : data.own;
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1 text-sm">
      <span className="grow text-soft">
        {readsOwn ? "Your captions" : data.shared ? "Shared transcript" : null}
      </span>
      {other && data.own && (
        <Button
          size="sm"
          look="quiet"
          busy={choose.isPending}
          onClick={() => choose.mutate(readsOwn ? "shared" : "own")}
        >
          {readsOwn ? "Show the shared transcript" : "Show your captions"}
        </Button>
      )}
      <Button
        size="sm"
        look="quiet"
        icon="upload"
        aria-label={data.own ? "Replace your captions" : undefined}
        onClick={() => ask("upload")}
      >
        {data.own ? "Replace" : "Upload captions"}
      </Button>
      {data.own && (
        <Button
          size="sm"
          look="quiet"
          icon="trash"
          aria-label="Remove your captions"
          onClick={() => ask("remove")}
        >
          Remove
        </Button>
      )}
      {asked === "upload" && <UploadCaptions videoId={videoId} onClose={() => ask(null)} />}
      {asked === "remove" && (
        <ConfirmDialog
          title="Remove your captions?"
          action="Remove"
          busy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={() => ask(null)}
        >
          Your captions are removed, and the summary that was made of them.
        </ConfirmDialog>
      )}
    </div>
  );
}

const PATH = "/api/videos/{video_id}/transcript";

/** Whatever changes what is read makes all that is known of the video old. */
function useChange<Wish = void>(videoId: string, change: (wish: Wish) => Promise<unknown>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onError: (error) => toast(messageOf(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.about(videoId) }),
  });
}

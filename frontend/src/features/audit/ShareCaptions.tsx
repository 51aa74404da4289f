/** The words that a user uploaded, to be read before they are shared with everyone. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { TranscriptExcerpt } from "@/components/TranscriptExcerpt";
import { send } from "@/lib/api/client";
import { ApiError, messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import type { UnsharedTranscript } from "@/lib/api/types";
import { toast } from "@/lib/toasts";
import { Answered } from "./Answered";
import { uploadedQuery } from "./queries";
import { nameOf } from "./words";

export function ShareCaptions({ of, onClose }: { of: UnsharedTranscript; onClose: () => void }) {
  const words = useQuery(uploadedQuery(of));
  const share = useShare(of, onClose);
  return (
    <Dialog title={nameOf(of)} onClose={onClose} wide>
      {isGone(words.error ?? share.error) ? (
        <p role="alert">
          The user replaced or removed these captions. Close this to see what there is now.
        </p>
      ) : (
        <>
          <Answered query={words}>
            {(items) => <TranscriptExcerpt items={items} label="Captions" />}
          </Answered>
          <p className="text-soft">
            Everyone will read, search and get answers from these captions.
          </p>
          {share.error && (
            <p role="alert" className="text-danger">
              {messageOf(share.error)}
            </p>
          )}
          <div className="flex flex-wrap justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button
              look="primary"
              busy={share.isPending}
              disabled={!words.data}
              onClick={() => share.mutate()}
            >
              Share with everyone
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

/** What was read is named by its digest, so that nothing else is shared. */
function useShare({ video_id, user_id, sha256 }: UnsharedTranscript, onShared: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () =>
      send("post", "/api/videos/{video_id}/transcript/share", {
        path: { video_id },
        body: { user_id, sha256 },
        as: "admin",
      }),
    onSuccess: () => {
      toast("Shared. Everyone sees these captions now.");
      onShared();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.about(video_id) }),
  });
}

const isGone = (error: Error | null) => error instanceof ApiError && error.status === 404;

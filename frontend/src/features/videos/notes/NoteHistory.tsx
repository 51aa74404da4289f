/** What a note was before, and back to it. */

import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Loading, Skeleton } from "@/components/Spinner";
import { ErrorState } from "@/components/States";
import { send } from "@/lib/api/client";
import { keys } from "@/lib/api/keys";
import type { NoteVersion } from "@/lib/api/types";
import { momentOf } from "@/lib/time";

const WHAT: Record<NoteVersion["what"], string> = {
  added: "Written",
  edited: "Changed",
  deleted: "Deleted",
  restored: "Restored",
};
const WHO: Record<NoteVersion["by"], string> = { you: "you", AI: "AI", admin: "an admin" };

export function NoteHistory({
  noteId,
  timestamp,
  onRevert,
  onClose,
}: {
  noteId: number;
  timestamp: string;
  onRevert: (version: number) => void;
  onClose: () => void;
}) {
  const { videoId = "" } = useParams();
  const history = useQuery({
    queryKey: keys.noteHistory(videoId, noteId),
    queryFn: ({ signal }) =>
      send("get", "/api/notes/{note_id}/history", { path: { note_id: noteId }, signal }),
    staleTime: 0,
  });
  const revert = (version: number) => {
    onRevert(version);
    onClose();
  };
  return (
    <Dialog title={`History of the note at ${timestamp}`} onClose={onClose}>
      {history.isPending && (
        <Loading label="The history is loading">
          <Skeleton className="h-24" />
        </Loading>
      )}
      {history.isError && (
        <ErrorState error={history.error} onRetry={() => void history.refetch()} />
      )}
      <ol className="grid gap-5">
        {history.data?.versions.map((one, index) => (
          <Version key={one.version} {...one} newest={index === 0} onRevert={revert} />
        ))}
      </ol>
    </Dialog>
  );
}

function Version({
  version,
  what,
  by,
  at,
  text,
  newest,
  onRevert,
}: NoteVersion & { newest: boolean; onRevert: (version: number) => void }) {
  return (
    <li className="grid gap-1 border-l-2 border-line pl-3">
      <div className="flex items-baseline justify-between gap-2 text-sm text-soft">
        <span>
          {WHAT[what]} by {WHO[by]}, <time dateTime={at}>{momentOf(at)}</time>
        </span>
        {newest && <span className="text-xs">Now</span>}
      </div>
      {what !== "deleted" && (
        <p className="wrap-anywhere whitespace-pre-wrap">
          {text ?? <em className="text-soft">Without words</em>}
        </p>
      )}
      {!newest && what !== "deleted" && (
        <Button
          size="sm"
          icon="undo"
          className="mt-1 justify-self-start"
          onClick={() => onRevert(version)}
        >
          Go back to it
        </Button>
      )}
    </li>
  );
}

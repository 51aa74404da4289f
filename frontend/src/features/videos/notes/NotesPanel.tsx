/** The person's notes on the video, in the order of the video. */

import { useState } from "react";
import { Field } from "@/components/Field";
import { Loading, Skeleton } from "@/components/Spinner";
import { EmptyState, ErrorState } from "@/components/States";
import { useSession } from "@/lib/auth/useSession";
import { useMoment, usePlayback } from "../player/usePlayback";
import { type NoteActions, NoteItem } from "./NoteItem";
import { matching, nearest } from "./notes";
import { useDeleteNote, useEditNote, useNoteChange, useNotes, useOutbox } from "./useNotes";

const FILTER_FROM = 4;

export function NotesPanel({
  videoId,
  awaitsAi,
  emptyTextOf,
}: {
  videoId: string;
  awaitsAi: boolean;
  emptyTextOf: (id: number | null) => string;
}) {
  const { query, notes } = useNotes(videoId, awaitsAi);
  const [filter, setFilter] = useState("");
  const actions = useActions(videoId);
  useOutbox(videoId);
  const signedIn = useSession() !== null;
  const near = useMoment(({ seconds }) => nearest(notes, seconds));
  if (signedIn && query.isPending) return <LoadingNotes />;
  if (query.isError && !query.data) {
    return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  }
  if (!notes.length) return <NoNotes />;
  const found = matching(notes, filter);
  return (
    <div className="grid grid-cols-1 gap-2 p-3">
      {(notes.length >= FILTER_FROM || filter) && (
        <Field
          label="Filter notes"
          hideLabel
          type="search"
          placeholder="Filter notes"
          value={filter}
          data-search=""
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      <p role="status" className={filter ? "text-sm text-soft" : "sr-only"}>
        {found.length} of {notes.length} {notes.length === 1 ? "note" : "notes"}
      </p>
      <ul className="grid grid-cols-1 gap-2">
        {found.map((note) => (
          <NoteItem
            key={note.key}
            note={note}
            near={note.key === near}
            emptyText={emptyTextOf(note.id)}
            actions={actions}
          />
        ))}
      </ul>
    </div>
  );
}

function useActions(videoId: string): NoteActions {
  const playback = usePlayback();
  const change = useNoteChange(videoId);
  return {
    onJump: (seconds) => playback.playFrom(seconds),
    onRevert: (id, version) => change({ kind: "revert", id, version }),
    onEdit: useEditNote(videoId),
    onDelete: useDeleteNote(videoId),
  };
}

function NoNotes() {
  return (
    <EmptyState icon="note" title="No notes on this video yet">
      <p>
        Press N, or the button below the player. The second is stamped, and the video waits while
        you write.
      </p>
    </EmptyState>
  );
}

function LoadingNotes() {
  return (
    <Loading label="Your notes are loading">
      <div className="grid gap-2 p-3">
        <Skeleton className="h-20" />
        <Skeleton className="h-20" />
      </div>
    </Loading>
  );
}

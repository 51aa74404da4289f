/** The person's notes on a video, and what they do with them: shown at once, taken back if refused. */

import {
  type QueryClient,
  useMutation,
  useMutationState,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { retriable } from "@/lib/api/queries";
import type { Note } from "@/lib/api/types";
import { useSession } from "@/lib/auth/useSession";
import { useLiveState } from "@/lib/live/useLive";
import { secondsOf } from "@/lib/time";
import { toast } from "@/lib/toasts";
import { keepDraft, readNoteDraft, writeEdit } from "./draft";
import { type Operation, settled, shown, type ShownNote } from "./notes";
import { done, keep, outbox } from "./outbox";
import { FAILED, perform } from "./send";

const POLL_MS = 5000;
const changesOf = (videoId: string) => ["note changes", videoId];

/** Their notes by second; ``awaitsAi``: an empty one may be written by AI any moment. */
export function useNotes(videoId: string, awaitsAi: boolean) {
  const signedIn = useSession() !== null;
  const live = useLiveState() === "live";
  const query = useQuery({
    queryKey: keys.notes(videoId),
    queryFn: ({ signal }) =>
      send("get", "/api/notes/{video_id}", { path: { video_id: videoId }, signal }),
    enabled: signedIn,
    refetchInterval: ({ state }) =>
      !live && awaitsAi && state.data?.some(({ text }) => !text) ? POLL_MS : false,
  });
  const waiting = useMutationState({
    filters: { mutationKey: changesOf(videoId), status: "pending" },
    select: ({ state }) => state.variables as Operation,
  });
  const notes = useMemo(() => shown(query.data ?? [], waiting), [query.data, waiting]);
  return { query, notes };
}

/** Sends a change; its effect shows in ``useNotes`` before the server has answered. */
export function useNoteChange(videoId: string) {
  const queries = useQueryClient();
  const mutation = useMutation({
    mutationKey: changesOf(videoId),
    mutationFn: (operation: Operation) => perform(videoId, operation),
    retry: retriable,
    scope: { id: `notes ${videoId}` }, // one after the other: an undo never overtakes what it undoes
    onMutate: (operation) => keep(videoId, operation),
    onSuccess: (answer, operation) => put(queries, videoId, operation, answer),
    onError: (error, operation) => {
      toast(`${FAILED[operation.kind]}: ${messageOf(error)}`, { tone: "danger" });
      giveBack(videoId, operation);
    },
    onSettled: (_answer, _error, operation) => {
      done(videoId, operation);
      void queries.invalidateQueries({ queryKey: keys.notes(videoId) });
      void queries.invalidateQueries({ queryKey: keys.library });
    },
  });
  return mutation.mutate;
}

/** Sends the new notes that a reload interrupted; their keys keep them from being made twice. */
export function useOutbox(videoId: string): void {
  const change = useNoteChange(videoId);
  const queries = useQueryClient();
  const email = useSession()?.email;
  useEffect(() => {
    const underWay = queries.isMutating({ mutationKey: changesOf(videoId) });
    if (email && !underWay) outbox(videoId).forEach((operation) => change(operation));
  }, [email, videoId, change, queries]);
}

/** Deletes a note, and offers to take that back. */
export function useDeleteNote(videoId: string) {
  const change = useNoteChange(videoId);
  return ({ id, timestamp }: ShownNote) => {
    if (id === null) return;
    change({ kind: "delete", id });
    const undo = () => change({ kind: "revert", id, version: null });
    toast(`Note at ${timestamp} deleted.`, { action: { label: "Undo", run: undo } });
  };
}

/** Changes a note's words, and offers to take that back. */
export function useEditNote(videoId: string) {
  const change = useNoteChange(videoId);
  return ({ id, text: before, byAi, timestamp }: ShownNote, text: string) => {
    if (id === null || text === before) return;
    change({ kind: "edit", id, text });
    const undo = () => change({ kind: "edit", id, text: before, byAi });
    toast(`Note at ${timestamp} changed.`, { action: { label: "Undo", run: undo } });
  };
}

function put(queries: QueryClient, videoId: string, operation: Operation, answer: Note | null) {
  const known = queries.getQueryData<Note[]>(keys.notes(videoId)) ?? [];
  queries.setQueryData(keys.notes(videoId), settled(known, operation, answer));
}

/** Words that could not be saved go back to where they were typed. */
function giveBack(videoId: string, operation: Operation): void {
  if (operation.kind === "edit") writeEdit(operation.id, operation.text);
  if (operation.kind !== "add" || readNoteDraft(videoId)) return;
  keepDraft(videoId, { at: secondsOf(operation.timestamp) ?? 0, text: operation.text ?? "" });
}

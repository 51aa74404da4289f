/** How each change of a note is sent, and how it is told when it was refused. */

import { send } from "@/lib/api/client";
import type { Note } from "@/lib/api/types";
import type { Operation } from "./notes";

/** The note as the server has it then; null for one that is gone. Throws an ApiError. */
export async function perform(videoId: string, operation: Operation): Promise<Note | null> {
  switch (operation.kind) {
    case "add":
      return add(videoId, operation);
    case "edit": {
      const body = { text: operation.text, generated_by_ai: operation.byAi ?? false };
      return send("patch", "/api/notes/{note_id}", { path: { note_id: operation.id }, body });
    }
    case "delete":
      await send("delete", "/api/notes/{note_id}", { path: { note_id: operation.id } });
      return null;
    case "revert":
      return revert(operation.id, operation.version);
  }
}

export const FAILED: Record<Operation["kind"], string> = {
  add: "Your note was not saved",
  edit: "Your change was not saved",
  delete: "The note was not deleted",
  revert: "The note was not restored",
};

function add(videoId: string, { key, timestamp, text }: Operation & { kind: "add" }) {
  return send("post", "/api/notes", {
    body: { video_id: videoId, timestamp, text },
    headers: { "Idempotency-Key": key },
  });
}

/** Back to a version, or with none to the one before the deletion. */
async function revert(noteId: number, version: number | null): Promise<Note> {
  const path = { note_id: noteId };
  const before = version ?? (await versionBeforeDeletion(noteId));
  return send("post", "/api/notes/{note_id}/revert", { path, body: { version: before } });
}

async function versionBeforeDeletion(noteId: number): Promise<number> {
  const path = { note_id: noteId };
  const { versions } = await send("get", "/api/notes/{note_id}/history", { path });
  return versions.find(({ what }) => what !== "deleted")?.version ?? 1;
}

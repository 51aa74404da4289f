/** The routes of a note's past, until the generated schema has them. */

export interface NoteVersion {
  version: number;
  position: number;
  what: "added" | "edited" | "deleted" | "restored";
  text: string | null;
  generated_by_ai: boolean;
  at: string;
  by: "you" | "AI" | "admin";
}

/** Newest first; with ``next`` as ``before`` come older ones. */
export interface NoteHistory {
  note_id: number;
  deleted: boolean;
  versions: NoteVersion[];
  next: number | null;
}

export interface PendingNotePaths<Note> {
  "/api/notes/{note_id}/history": {
    get: {
      parameters: { query?: { before?: number; limit?: number }; path: { note_id: string } };
      responses: { 200: { content: { "application/json": NoteHistory } } };
    };
  };
  "/api/notes/{note_id}/revert": {
    post: {
      parameters: { query?: never; path: { note_id: string } };
      requestBody: { content: { "application/json": { version: number } } };
      responses: { 200: { content: { "application/json": Note } } };
    };
  };
}

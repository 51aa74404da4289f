/** What a path of the API takes and answers, read from the generated schema. */

import type { components, paths as Paths } from "./schema";

export type Method = "get" | "post" | "patch" | "delete";

export type PathsWith<M extends Method> = {
  [P in keyof Paths]: Paths[P] extends Record<M, object> ? P : never;
}[keyof Paths] &
  string;

type Operation<P, M extends Method> = P extends keyof Paths
  ? Paths[P] extends Record<M, infer O>
    ? O
    : never
  : never;

type Json<R> = R extends { content: { "application/json": infer J } } ? J : undefined;

/** The JSON of a success. */
export type Answer<P, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202)]> : never;

type Parameters<P, M extends Method, Place extends string> =
  Operation<P, M> extends { parameters: infer All }
    ? All extends Partial<Record<Place, infer One>>
      ? One
      : never
    : never;

/** The query of a path. */
export type Query<P, M extends Method> = NonNullable<Parameters<P, M, "query">>;

type Body<P, M extends Method> =
  Operation<P, M> extends { requestBody?: { content: { "application/json": infer B } } } ? B : Blob;

/** A request, whatever its path. */
export interface Request {
  path?: unknown;
  query?: unknown;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Whose credentials to send: the person's (or guest's) by default. */
  as?: "visitor" | "admin";
}

/** A request to one path; a Blob may stand for any body. */
export interface Options<P, M extends Method> extends Request {
  path?: { [Name in keyof Parameters<P, M, "path">]: string | number };
  query?: Parameters<P, M, "query">;
  body?: Body<P, M> | Blob;
}

export type Schemas = components["schemas"];
export type Profile = Answer<"/api/user/profile", "get">;
export type Note = Answer<"/api/notes/{video_id}", "get">[number];
export type Video = Answer<"/api/videos/{video_id}", "get">;
export type WizVideo = Answer<"/api/wiz/video/{video_id}", "get">;
export type Progress = Answer<"/api/videos/{video_id}/progress", "get">;
export type TranscriptItem = Answer<"/api/videos/{video_id}/transcript", "get">[number];
export type AddedTranscript = Answer<"/api/videos/{video_id}/transcript", "post">;
export type Conversation = Answer<"/api/wiz/conversations/{conversation_id}", "get">;
export type ListedConversation = Answer<"/api/wiz/conversations", "get">["conversations"][number];
export type Quota = Answer<"/api/wiz/quota", "get">;
export type FoundVideo = Answer<"/api/search", "get">["videos"][number];

export type NoteVersion = Answer<"/api/notes/{note_id}/history", "get">["versions"][number];

export type VideoHits = Answer<"/api/search/all", "get">["videos"][number];
export type Hit = VideoHits["hits"][number];

export type AuditFilters = Query<"/api/audit/events", "get">;
export type AuditEvent = Answer<"/api/audit/events", "get">["events"][number];
export type EventInItsStream = Answer<"/api/audit/events/{position}", "get">;
export type Causation = Answer<"/api/audit/correlations/{correlation_id}", "get">;
export type AuditEffect = Causation["causes"][number]["effects"][number];
export type LogHealth = Answer<"/api/audit/health", "get">;
export type UnsharedTranscript = Answer<"/api/transcripts/unshared", "get">["transcripts"][number];
export type Rebuild = Answer<"/api/audit/rebuild", "get">;

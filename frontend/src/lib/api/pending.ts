/** Routes that the generated schema does not have yet, in its form; delete each when it has. */

interface Get<Json, Query = never, Path = never> {
  get: {
    parameters: { query?: Query; path: Path };
    responses: { 200: { content: { "application/json": Json } } };
  };
}

export interface Config {
  google_client_id: string | null;
  guest_daily_limit: number;
  user_daily_limit: number;
  version: string;
  player_api_url: string;
}

export interface Hit {
  kind: "title" | "note" | "transcript";
  note_id: number | null;
  seconds: number | null;
  timestamp: string | null;
  snippet: string;
  /** Start and end of each match, in UTF-16 code units of the snippet. */
  highlights: [number, number][];
}

export interface VideoHits {
  video_id: string;
  title: string | null;
  metadata: {
    thumbnail?: string | null;
    channel?: string | null;
    duration_string?: string | null;
  } | null;
  hits: Hit[];
  hit_count: number;
}

export interface SearchAnswer {
  query: string;
  total: number;
  videos: VideoHits[];
}

export interface AuditEvent {
  position: number;
  stream: string;
  version: number;
  topic: string;
  data: Record<string, unknown>;
  recorded_at: string;
  actor: string;
  correlation_id: string | null;
  causation_id: string | null;
  request_id: string | null;
  previous_hash: string | null;
  hash: string | null;
}

export interface EventInItsStream {
  event: AuditEvent;
  previous: AuditEvent | null;
  next: AuditEvent | null;
  changes: Record<string, { before: unknown; after: unknown }>;
}

export interface AuditEffect extends AuditEvent {
  effects: AuditEffect[];
}

export interface Causation {
  correlation_id: string;
  events: number;
  next: number | null;
  causes: { cause: string | null; effects: AuditEffect[] }[];
}

export interface Replay {
  kind: "rebuild" | "verify";
  position: number | null;
  of: number | null;
}

export interface LogHealth {
  head: { position: number; hash: string; recorded_at: string } | null;
  signals: { position: number; lag: number };
  reactions: {
    reaction: string;
    checkpoint: number;
    lag: number;
    parked: number;
    oldest: { position: number; attempts: number; error: string } | null;
  }[];
  maintenance: Replay | null;
}

export interface Rebuild {
  state: "none" | "running" | "done" | "failed";
  tables: string[];
  started_at: string | null;
  ended_at: string | null;
  error: string | null;
  maintenance: Replay | null;
}

export interface AuditFilters {
  after?: number;
  before?: number;
  type?: string;
  stream?: string;
  actor?: string;
  correlation_id?: string;
  since?: string;
  until?: string;
  video_id?: string;
  user_id?: number;
  order?: "asc" | "desc";
  limit?: number;
}

export interface PendingPaths {
  "/api/config": Get<Config>;
  "/api/stream": Get<never, { video_id?: string[] }>;
  "/api/search/all": Get<SearchAnswer, { q: string; limit?: number; offset?: number }>;
  "/api/user/export": Get<never>;
  "/api/user": {
    delete: {
      parameters: { path: never };
      requestBody: {
        content: { "application/json": { password: string } | { credential: string } };
      };
      responses: { 200: { content: { "application/json": { message: string } } } };
    };
  };
  "/api/audit/events": Get<{ events: AuditEvent[]; next: number | null }, AuditFilters>;
  "/api/audit/events/{position}": Get<EventInItsStream, never, { position: string }>;
  "/api/audit/correlations/{correlation_id}": Get<Causation, never, { correlation_id: string }>;
  "/api/audit/health": Get<LogHealth>;
  "/api/audit/rebuild": Get<Rebuild> & {
    post: {
      parameters: { path: never };
      responses: { 202: { content: { "application/json": Rebuild } } };
    };
  };
}

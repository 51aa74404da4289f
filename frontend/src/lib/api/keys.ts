/** The names of everything that is cached from the server; live events invalidate by them. */

export const keys = {
  config: ["config"],
  profile: ["profile"],
  /** The list of videos and everything found by searching. */
  library: ["library"],
  videos: (page: number) => ["library", "videos", page],
  search: (query: string) => ["library", "search", query],
  /** Everything about one video. */
  about: (videoId: string) => ["video", videoId],
  video: (videoId: string) => ["video", videoId, "video"],
  notes: (videoId: string) => ["video", videoId, "notes"],
  noteHistory: (videoId: string, noteId: number) => ["video", videoId, "notes", noteId, "history"],
  progress: (videoId: string) => ["video", videoId, "progress"],
  transcript: (videoId: string) => ["video", videoId, "transcript"],
  transcripts: (videoId: string) => ["video", videoId, "transcripts"],
  conversations: (videoId: string) => ["video", videoId, "conversations"],
  conversation: (videoId: string, id: number) => ["video", videoId, "conversations", id],
  quota: ["quota"],
  audit: ["audit"],
} as const;

/** The event browser's filters, kept in the address. */

import type { AuditFilters } from "@/lib/api/types";

export const FILTERS = [
  { name: "type", label: "Type", placeholder: "NoteEdited" },
  { name: "stream", label: "Stream", placeholder: "note:17" },
  { name: "actor", label: "Actor", placeholder: "user:5" },
  { name: "user_id", label: "User’s id", placeholder: "5" },
  { name: "video_id", label: "Video", placeholder: "W421vNri5hw" },
  { name: "correlation_id", label: "Request", placeholder: "X-Request-ID" },
  { name: "since", label: "Since", placeholder: "2026-11-24T12:00Z" },
  { name: "until", label: "Until", placeholder: "2026-11-25" },
] as const;

/** The filters of an address; what is blank or no filter is left out. */
export function filtersOf(search: URLSearchParams): AuditFilters {
  const named = FILTERS.map(({ name }) => [name, search.get(name)?.trim()] as const);
  return Object.fromEntries(named.filter(([, value]) => value));
}

/** The address of what a form holds. */
export function searchOf(form: FormData): Record<string, string> {
  const search: Record<string, string> = {};
  for (const [name, value] of form) {
    if (typeof value === "string" && value.trim()) search[name] = value.trim();
  }
  return search;
}

/** Finds the link in what a phone shares. */

import { isVideoLink } from "@/lib/youtube";

/** The first of ``url``, ``text`` and ``title`` with a link to a video in it, else the first that says anything. */
export function sharedLink(search: URLSearchParams): string {
  const texts = ["url", "text", "title"].map((name) => search.get(name) ?? "");
  return texts.find(isVideoLink) ?? texts.find((text) => text.trim()) ?? "";
}

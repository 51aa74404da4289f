/** Citations in an answer: where they stand, and the words around them. Pure. */

import type { Schemas } from "@/lib/api/types";
import { unjoined } from "@/lib/markdown";

/** ``at`` counts code points of the answer, ``at_utf16`` what JavaScript counts. */
export type Citation = Schemas["CitationResponse"];

/** The place of the citation that a link leads to; null for another link. */
export function citedBy(href: string): number | null {
  const [, index] = /^#citation-(\d+)$/.exec(href) ?? [];
  return index ? Number(index) : null;
}

/** A marker without its brackets: "7:55:35". */
export function bare(marker: string): string {
  return marker.replace(/^[[(]|[\])]$/g, "");
}

/**
 * What a citation proves, as plain text for a note: the sentence before it, or at the beginning of a
 * line the one behind it, or the words that it cites.
 */
export function sentenceAt(content: string, citation: Citation): string {
  const begin = beginOf(content, citation);
  const before = content.slice(content.lastIndexOf("\n", begin - 1) + 1, begin);
  const [behind = ""] = content.slice(begin + citation.marker.length).split("\n", 1);
  const sentence = sentencesOf(before.replace(/[[(]\s*$/, "")).at(-1) ?? sentencesOf(behind)[0];
  return sentence ?? citation.quote;
}

function sentencesOf(line: string): string[] {
  const found = plain(line).match(/[^.!?]+(?:[.!?]+(?!\s|$)[^.!?]+)*[.!?]*/g) ?? [];
  return found.map((one) => one.trim()).filter((one) => /[\p{L}\p{N}]/u.test(one));
}

/** Each citation once, in the order of the answer. */
export function distinct(citations: Citation[]): Citation[] {
  const seen = new Set<number>();
  return citations.filter(({ start }) => !seen.has(start) && seen.add(start));
}

/** Where the marker stands, in UTF-16 code units. */
export function beginOf(content: string, { at, at_utf16 }: Citation): number {
  return at_utf16 ?? Array.from(content).slice(0, at).join("").length;
}

/** Without markers and without Markdown's signs. */
function plain(markdown: string): string {
  return unjoined(markdown)
    .replace(/\s*[[(][\d:]+(?:\s*[-–—,;]\s*[\d:]+)*[\])]/g, "")
    .replace(/^\s*(?:[-*+]|\d+\.|#+|>)\s+/, "")
    .replace(/[*_`]+/g, "");
}

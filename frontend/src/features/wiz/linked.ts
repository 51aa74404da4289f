/** Makes links of the citations in an answer's Markdown, once it is parsed: code stays code. Pure. */

import { linkNode, type Node, replaceTexts, textNode } from "@/lib/markdown";
import { bare, beginOf, type Citation } from "./citations";

interface Mark {
  marker: string;
  index: number;
  /** UTF-16 index into the answer. */
  begin: number;
}

/** A plugin for the parser: each marker becomes a link to "#citation-<place>". */
export function linkedTo(content: string, citations: Citation[]) {
  const marks = citations
    .map((one, index) => ({ marker: one.marker, index, begin: beginOf(content, one) }))
    .sort((a, b) => a.begin - b.begin);
  return () => (tree: Node) => replaceTexts(tree, (text) => split(text, marks));
}

/** A text as texts and links; signs that were escaped may have moved the markers a little. */
function split({ value = "", position }: Node, marks: Mark[]): Node[] {
  const [from = 0, to = 0] = [position?.start.offset, position?.end.offset];
  const nodes: Node[] = [];
  let done = 0;
  for (const { marker, index, begin } of marks) {
    const at = begin >= from && begin < to ? value.indexOf(marker, done) : -1;
    if (at < 0) continue;
    nodes.push(textNode(value.slice(done, at)), linkNode(`#citation-${index}`, bare(marker)));
    done = at + marker.length;
  }
  return [...nodes, textNode(value.slice(done))];
}

/** Makes links of the citations in an answer's Markdown, once it is parsed: code stays code. Pure. */

import { bare, beginOf, type Citation } from "./citations";

/** What is needed of a node of Markdown's tree. */
export interface Node {
  type: string;
  value?: string;
  url?: string;
  children?: Node[];
  position?: { start: { offset?: number }; end: { offset?: number } };
}

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
  return () => (tree: Node) => link(tree, marks);
}

function link(node: Node, marks: Mark[]): void {
  node.children = node.children?.flatMap((child) => {
    if (child.type === "text") return split(child, marks);
    if (child.type !== "link") link(child, marks);
    return [child];
  });
}

/** A text as texts and links; signs that were escaped may have moved the markers a little. */
function split({ value = "", position }: Node, marks: Mark[]): Node[] {
  const [from = 0, to = 0] = [position?.start.offset, position?.end.offset];
  const nodes: Node[] = [];
  let done = 0;
  for (const { marker, index, begin } of marks) {
    const at = begin >= from && begin < to ? value.indexOf(marker, done) : -1;
    if (at < 0) continue;
    nodes.push(text(value.slice(done, at)), {
      type: "link",
      url: `#citation-${index}`,
      children: [text(bare(marker))],
    });
    done = at + marker.length;
  }
  return [...nodes, text(value.slice(done))].filter((node) => node.value !== "");
}

const text = (value: string): Node => ({ type: "text", value });

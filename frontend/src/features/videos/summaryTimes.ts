/** Makes links of the times in a summary's Markdown: "[7:55]" leads to "#at-475". Pure. */

import { linkNode, type Node, replaceTexts, textNode } from "@/lib/markdown";
import { secondsOf } from "@/lib/time";

const TIMES = /\[(\d{1,3}(?::\d{2}){1,2})\]/g;

/** A plugin for the parser; a time behind the video's end stays text. */
export function timesLinked(lengthS: number) {
  return () => (tree: Node) => replaceTexts(tree, (text) => split(text.value ?? "", lengthS));
}

/** The second that a link leads to; null for another link. */
export function secondOf(href: string): number | null {
  const [, second] = /^#at-(\d+)$/.exec(href) ?? [];
  return second ? Number(second) : null;
}

function split(value: string, lengthS: number): Node[] {
  const nodes: Node[] = [];
  let done = 0;
  for (const { 0: marker, 1: time = "", index } of value.matchAll(TIMES)) {
    const seconds = secondsOf(time);
    if (seconds === null || seconds > lengthS) continue;
    nodes.push(textNode(value.slice(done, index)), linkNode(`#at-${seconds}`, time));
    done = index + marker.length;
  }
  return [...nodes, textNode(value.slice(done))];
}

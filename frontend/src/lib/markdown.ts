/** Markdown's tree, as far as plugins here change it. */

export interface Node {
  type: string;
  value?: string;
  url?: string;
  children?: Node[];
  position?: { start: { offset?: number }; end: { offset?: number } };
}

export const textNode = (value: string): Node => ({ type: "text", value });

export const linkNode = (url: string, value: string): Node => ({
  type: "link",
  url,
  children: [textNode(value)],
});

const LINKS = new Set(["link", "linkReference"]);

/** Replaces every text of the tree, but for those of links. Code is no text. */
export function replaceTexts(node: Node, replace: (text: Node) => Node[]): void {
  node.children = node.children?.flatMap((child) => {
    if (child.type === "text") return replace(child).filter(({ value }) => value !== "");
    if (!LINKS.has(child.type)) replaceTexts(child, replace);
    return [child];
  });
}

/**
 * Without the word joiners (U+2060) that the server puts into quoted words, so that no renderer takes
 * them for an address. Here none does, and whoever copies the words wants them as they were said.
 */
export const unjoined = (text: string): string => text.replaceAll("\u2060", "");

/** A plugin for the parser, the last one: it has read what the joiners were there for. */
export function joinersDropped() {
  return (tree: Node): void => dropIn(tree);
}

function dropIn(node: Node): void {
  if (node.value !== undefined) node.value = unjoined(node.value);
  node.children?.forEach(dropIn);
}

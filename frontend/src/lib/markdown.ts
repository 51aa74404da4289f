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

/** Replaces every text of the tree, but for those of links. Code is no text. */
export function replaceTexts(node: Node, replace: (text: Node) => Node[]): void {
  node.children = node.children?.flatMap((child) => {
    if (child.type === "text") return replace(child).filter(({ value }) => value !== "");
    if (child.type !== "link") replaceTexts(child, replace);
    return [child];
  });
}

/** Markdown of a model, made safe: no HTML, no pictures, links that lead out and nowhere else. */

import type { ReactNode } from "react";
import ReactMarkdown, { type Components, type Options } from "react-markdown";

/** ``anchor`` draws links to "#..."; by default they are plain text. ``plugins`` change the tree. */
export function Markdown({
  text,
  plugins,
  anchor = (_href, children) => children,
}: {
  text: string;
  plugins?: Options["remarkPlugins"];
  anchor?: (href: string, children: ReactNode) => ReactNode;
}) {
  const components: Components = {
    ...ELEMENTS,
    a: ({ href = "", children }) =>
      href.startsWith("#") ? <>{anchor(href, children)}</> : <Out href={href}>{children}</Out>,
  };
  return (
    <div className="grid grid-cols-1 gap-3 wrap-anywhere [&_li>ul]:mt-1">
      <ReactMarkdown
        skipHtml
        disallowedElements={["img"]}
        remarkPlugins={plugins}
        components={components}
      >
        {text}
      </ReactMarkdown>
    </div>
  );
}

/** A link to another site; any other address is only its text. */
function Out({ href, children }: { href: string; children: ReactNode }) {
  if (!/^https?:\/\//i.test(href)) return <>{children}</>;
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="text-accent-strong underline"
    >
      {children}
    </a>
  );
}

const heading = ({ children }: { children?: ReactNode }) => (
  <p className="font-semibold">{children}</p>
);

const ELEMENTS: Components = {
  h1: heading,
  h2: heading,
  h3: heading,
  h4: heading,
  h5: heading,
  h6: heading,
  ul: ({ children }) => <ul className="grid list-disc gap-1 pl-5">{children}</ul>,
  ol: ({ children, start }) => (
    <ol start={start} className="grid list-decimal gap-1 pl-6">
      {children}
    </ol>
  ),
  blockquote: ({ children }) => (
    <blockquote className="border-l-2 border-edge pl-3 text-soft">{children}</blockquote>
  ),
  code: ({ children }) => (
    <code className="rounded-sm bg-sunken px-1 font-mono text-sm">{children}</code>
  ),
  pre: ({ children }) => (
    <pre className="rounded-md bg-sunken p-3 text-sm whitespace-pre-wrap">{children}</pre>
  ),
  hr: () => <hr className="border-line" />,
};

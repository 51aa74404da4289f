/**
 * Markdown of a model, made safe: no HTML, no pictures (only their words), no links but to the web,
 * and those say where they lead. What merely looks like an address is none.
 */

import { Children, isValidElement, type ReactNode } from "react";
import ReactMarkdown, { type Components, type Options } from "react-markdown";
import { joinersDropped } from "@/lib/markdown";
import { isAddressOf, webAddress } from "@/lib/webAddress";

const NO_PLUGINS: Options["remarkPlugins"] = [];

/** ``anchor`` draws links to "#..."; by default they are plain text. ``plugins`` change the tree. */
export function Markdown({
  text,
  plugins = NO_PLUGINS,
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
        remarkPlugins={[...(plugins ?? []), joinersDropped]}
        components={components}
      >
        {text}
      </ReactMarkdown>
    </div>
  );
}

/**
 * A link to another site with the host that it leads to, unless its words are the address. The words
 * are isolated, so that marks of direction in them do not move the host. Any other link is its text.
 */
function Out({ href, children }: { href: string; children: ReactNode }) {
  const address = webAddress(href);
  if (!address) return <>{children}</>;
  return (
    <a href={address.href} title={address.href} target="_blank" rel="noopener noreferrer nofollow">
      <bdi className="text-accent-strong underline">{children}</bdi>
      {!isAddressOf(address, wordsOf(children)) && (
        <>
          {" "}
          <bdi dir="ltr" className="text-sm text-soft">
            ({address.host})
          </bdi>
        </>
      )}
    </a>
  );
}

function wordsOf(children: ReactNode): string {
  return Children.toArray(children)
    .map((one) => {
      if (typeof one === "string" || typeof one === "number") return String(one);
      return isValidElement<{ children?: ReactNode }>(one) ? wordsOf(one.props.children) : "";
    })
    .join("");
}

const heading = ({ children }: { children?: ReactNode }) => (
  <p className="font-semibold">{children}</p>
);

const ELEMENTS: Components = {
  img: ({ alt }) => <>{alt}</>,
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

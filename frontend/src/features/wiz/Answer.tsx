/** An answer's Markdown, with its citations as chips where they stand. */

import { useMemo } from "react";
import { Markdown } from "@/components/Markdown";
import { type Citation, citedBy } from "./citations";
import { CitationChip } from "./CitationChip";
import { linkedTo } from "./linked";

export function Answer({
  content,
  citations,
  onSeek,
}: {
  content: string;
  citations: Citation[];
  onSeek: (seconds: number) => void;
}) {
  const plugins = useMemo(() => [linkedTo(content, citations)], [content, citations]);
  return (
    <Markdown
      text={content}
      plugins={plugins}
      anchor={(href, children) => {
        const citation = citations[citedBy(href) ?? -1];
        return citation ? <CitationChip citation={citation} onSeek={onSeek} /> : children;
      }}
    />
  );
}

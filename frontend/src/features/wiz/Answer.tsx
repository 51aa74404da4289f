/** An answer's Markdown, with its citations as chips where they stand. */

import { useMemo } from "react";
import { Markdown } from "@/components/Markdown";
import { type Citation, citedBy, linked } from "./citations";
import { CitationChip } from "./CitationChip";

export function Answer({
  content,
  citations,
  onSeek,
}: {
  content: string;
  citations: Citation[];
  onSeek: (seconds: number) => void;
}) {
  const text = useMemo(() => linked(content, citations), [content, citations]);
  return (
    <Markdown
      text={text}
      anchor={(href, children) => {
        const citation = citations[citedBy(href) ?? -1];
        return citation ? <CitationChip citation={citation} onSeek={onSeek} /> : children;
      }}
    />
  );
}

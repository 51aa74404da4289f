/** The field to search the transcript with, the count, and the way from match to match. */

import type { KeyboardEvent } from "react";
import { IconButton } from "@/components/Button";
import { CONTROL } from "@/components/Field";
import { cx } from "@/lib/classes";
import type { TranscriptSearch } from "./useTranscriptSearch";

export function SearchBar({
  search,
  onType,
  onStep,
}: {
  search: TranscriptSearch;
  onType: (query: string) => void;
  onStep: (step: 1 | -1) => void;
}) {
  const { query, matches, place } = search;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && query) onType("");
    else return;
    event.preventDefault();
  };
  return (
    <div role="search" aria-label="Transcript" className="flex grow items-center gap-1">
      <input
        type="search"
        aria-label="Search the transcript"
        placeholder="Search the transcript"
        value={query}
        data-search=""
        onChange={(event) => onType(event.target.value)}
        onKeyDown={onKeyDown}
        className={cx(CONTROL, "min-w-0 grow")}
      />
      {query.trim() && (
        <>
          <span role="status" className="px-1 text-sm whitespace-nowrap text-soft tabular-nums">
            {matches.length ? `${place + 1} of ${matches.length}` : "None"}
          </span>
          <IconButton
            icon="up"
            label="Previous match"
            disabled={!matches.length}
            onClick={() => onStep(-1)}
          />
          <IconButton
            icon="chevron"
            label="Next match"
            disabled={!matches.length}
            onClick={() => onStep(1)}
          />
        </>
      )}
    </div>
  );
}

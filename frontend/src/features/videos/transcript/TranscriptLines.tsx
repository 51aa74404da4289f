/** The lines in view, of however many, and the bar above them. */

import { useEffect, useMemo, useReducer, useRef } from "react";
import { Button } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { useMoment, usePlayback } from "../player/usePlayback";
import { following } from "./follow";
import { LineRow } from "./LineRow";
import { byLine, type Match } from "./search";
import { SearchBar } from "./SearchBar";
import { type Line, lineAt, textOf } from "@/lib/segments";
import { useLineList } from "./useLineList";
import { useTranscriptSearch } from "./useTranscriptSearch";

const NONE: Match[] = [];
const MOVES = new Set(["Tab", "PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"]);

export function TranscriptLines({
  lines,
  onNote,
}: {
  lines: Line[];
  onNote: (seconds: number) => void;
}) {
  const playback = usePlayback();
  const said = useMoment(({ seconds }) => lineAt(lines, seconds));
  const [follows, tell] = useReducer(following, true);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useLineList(lines, scroller);
  const search = useTranscriptSearch(lines);
  const text = useMemo(() => textOf(lines), [lines]);
  const found = useMemo(() => byLine(search.matches), [search.matches]);
  const { show } = list;
  useEffect(() => {
    if (follows && said >= 0) show(said);
  }, [follows, said, show]);

  const reveal = (match: Match | undefined) => {
    if (!match) return;
    tell({ kind: "searched" });
    show(match.line);
  };
  const byHand = () => tell({ kind: "scrolled by hand" });
  return (
    <div className="relative flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-2 border-b border-line p-2">
        <SearchBar
          search={search}
          onType={(query) => reveal(search.type(query, Math.max(0, said)))}
          onStep={(step) => reveal(search.step(step))}
        />
        {!search.query && <CopyButton text={text} />}
      </div>
      {/* Only to notice that a person scrolls; the list itself is read and used line by line. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={scroller}
        role="region"
        aria-label="Lines of the transcript"
        onWheel={byHand}
        onTouchMove={byHand}
        onKeyDown={({ key }) => MOVES.has(key) && byHand()}
        onPointerDown={(event) => event.target === scroller.current && byHand()}
        className="min-h-0 grow overflow-y-auto p-1"
      >
        <div role="list" className="relative" style={{ height: list.height }}>
          {list.rows.map(({ index, start, line, ref }) => (
            <div
              key={index}
              ref={ref}
              data-index={index}
              role="listitem"
              aria-setsize={lines.length}
              aria-posinset={index + 1}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${start}px)` }}
            >
              <LineRow
                line={line}
                said={index === said}
                matches={found.get(index) ?? NONE}
                current={search.current?.line === index ? search.current : undefined}
                onPlay={() => {
                  tell({ kind: "jumped" });
                  playback.playFrom(line.at);
                }}
                onNote={() => onNote(line.at)}
              />
            </div>
          ))}
        </div>
      </div>
      {!follows && (
        <Button
          size="sm"
          look="primary"
          icon="arrow"
          onClick={() => tell({ kind: "follow" })}
          className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-float"
        >
          Follow the video
        </Button>
      )}
    </div>
  );
}

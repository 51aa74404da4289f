/** The panels beside (or below) the player, of which one is shown. */

import { type ReactNode, useState } from "react";
import { Tabs } from "@/components/Tabs";
import { EmptyState } from "@/components/States";
import type { EmptyNotes } from "./emptyNotes";
import { NotesPanel } from "./notes/NotesPanel";
import { TranscriptPanel } from "./transcript/TranscriptPanel";
import { WhoseTranscript } from "./transcript/WhoseTranscript";
import type { TabId } from "./useTab";

interface Props {
  videoId: string;
  chosen: TabId;
  onChoose: (tab: TabId) => void;
  hasTranscript: boolean;
  empty: EmptyNotes;
  /** Null where it is shown elsewhere. */
  about: ReactNode;
  wiz: ReactNode;
  onNote: (seconds: number) => void;
}

/** Below the header and a player of the window's width, what is left of a phone's height. */
const HEIGHT =
  "h-[max(20rem,calc(100dvh-3.5rem-56.25vw))] sm:h-[36rem] lg:sticky lg:top-20 lg:h-[calc(100dvh-7rem)]";

export function Panels({ chosen, onChoose, about, ...rest }: Props) {
  const shown = about === null && chosen === "about" ? "notes" : chosen;
  const tabs: { id: TabId; label: string }[] = [
    { id: "notes", label: "Notes" },
    { id: "transcript", label: "Transcript" },
    { id: "wiz", label: "Ask Wiz" },
  ];
  if (about !== null) tabs.push({ id: "about", label: "Summary" });
  return (
    <Tabs
      label="About this video"
      tabs={tabs}
      chosen={shown}
      onChoose={onChoose}
      className={`-mx-4 flex flex-col overflow-hidden border-y border-line bg-surface sm:mx-0 sm:rounded-lg sm:border ${HEIGHT}`}
      panelClassName="min-h-0 grow"
    >
      <Panel shown={shown === "notes"}>
        <NotesPanel
          videoId={rest.videoId}
          awaitsAi={rest.empty.awaitsAi}
          emptyTextOf={rest.empty.textOf}
        />
      </Panel>
      <Panel shown={shown === "transcript"}>
        <div className="flex h-full flex-col">
          <WhoseTranscript videoId={rest.videoId} />
          <div className="min-h-0 grow">
            {rest.hasTranscript ? (
              <TranscriptPanel videoId={rest.videoId} onNote={rest.onNote} />
            ) : (
              <NoTranscript />
            )}
          </div>
        </div>
      </Panel>
      <Panel shown={shown === "wiz"}>{rest.wiz}</Panel>
      <Panel shown={shown === "about"}>
        <div className="p-4">{about}</div>
      </Panel>
    </Tabs>
  );
}

/** Drawn when it is first shown, and kept from then on with its place and what was typed. */
function Panel({ shown, children }: { shown: boolean; children: ReactNode }) {
  const [wanted, setWanted] = useState(shown);
  if (shown && !wanted) setWanted(true);
  if (!wanted) return null;
  return (
    <div hidden={!shown} className="h-full overflow-y-auto">
      {children}
    </div>
  );
}

function NoTranscript() {
  return (
    <EmptyState icon="quote" title="No transcript yet">
      <p>Once it is there, you read along here, search it, and ask Wiz about it.</p>
    </EmptyState>
  );
}

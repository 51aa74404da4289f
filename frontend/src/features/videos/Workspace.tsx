/** The page of a video as it is laid out: columns on a wide window, tabs on a narrow one. */

import { useQuery } from "@tanstack/react-query";
import type { ComponentType } from "react";
import { profileQuery } from "@/lib/api/queries";
import { useSession } from "@/lib/auth/useSession";
import { useMedia } from "@/lib/media";
import { factsOf } from "@/lib/metadata";
import { About } from "./About";
import { emptyNotes } from "./emptyNotes";
import { Heading, titleOf } from "./Heading";
import { ComposerCard } from "./notes/ComposerCard";
import { useComposer } from "./notes/useComposer";
import { Panels } from "./Panels";
import { PlayerFrame } from "./player/PlayerFrame";
import { usePlayback } from "./player/usePlayback";
import { statusesOf } from "./progress";
import { Statuses } from "./Statuses";
import { useTab } from "./useTab";
import type { useVideo } from "./useVideo";
import { useVideoKeys } from "./useVideoKeys";

/** What the panel that answers questions is given. */
export interface WizProps {
  videoId: string;
  title: string | null;
  summary: string | null;
  hasTranscript: boolean;
  onSeek: (seconds: number) => void;
  onNote: (seconds: number, text: string) => void;
}

type Props = ReturnType<typeof useVideo> & { videoId: string; Wiz: ComponentType<WizProps> };

export function Workspace({ videoId, video, progress, retry, Wiz }: Props) {
  const playback = usePlayback();
  const composer = useComposer(videoId);
  const wide = useMedia("(min-width: 64rem)");
  const [tab, choose] = useTab();
  useVideoKeys({ onNote: () => composer.open(), onChoose: choose });
  const signedIn = useSession() !== null;
  const profile = useQuery({ ...profileQuery, enabled: signedIn });
  const hasTranscript = video.data?.transcript_available ?? false;
  const empty = emptyNotes(profile.data?.ai_notes_enabled, hasTranscript, progress.data?.ai_notes);
  const seek = (seconds: number) => playback.playFrom(seconds);
  const about = (
    <About
      summary={video.data?.summary}
      hasTranscript={hasTranscript}
      lengthS={factsOf(video.data?.metadata).seconds}
      onSeek={seek}
    />
  );
  return (
    <div className="-my-6 grid grid-cols-1 gap-4 sm:my-0 lg:grid-cols-[minmax(0,1.4fr)_minmax(22rem,1fr)] lg:gap-6">
      <div className="contents lg:grid lg:content-start lg:gap-4">
        <div className="sticky top-14 z-10 -mx-4 sm:mx-0 lg:static">
          <PlayerFrame videoId={videoId} />
        </div>
        <Heading videoId={videoId} video={video.data} />
        <div>
          <ComposerCard composer={composer} hint={empty.hint} />
          <Statuses
            videoId={videoId}
            statuses={progress.data ? statusesOf(progress.data) : []}
            retrying={retry.isPending}
            onRetry={() => retry.mutate()}
          />
        </div>
        {wide && about}
      </div>
      <Panels
        videoId={videoId}
        chosen={tab}
        onChoose={choose}
        hasTranscript={hasTranscript}
        empty={empty}
        about={wide ? null : about}
        onNote={composer.open}
        wiz={
          <Wiz
            videoId={videoId}
            title={titleOf(video.data)}
            summary={video.data?.summary ?? null}
            hasTranscript={hasTranscript}
            onSeek={seek}
            onNote={composer.open}
          />
        }
      />
    </div>
  );
}

/** One video: player, notes, transcript, summary, and Wiz beside them. */

import { type ComponentType, useEffect, useRef, useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { ButtonLink } from "@/components/Button";
import { EmptyState, ErrorState } from "@/components/States";
import { messageOf } from "@/lib/api/errors";
import { useTitle } from "@/lib/title";
import { secondsIn, type VideoLink, videoLinkOf } from "@/lib/youtube";
import { titleOf } from "./Heading";
import { Playback } from "./player/playback";
import { PlaybackContext } from "./player/usePlayback";
import { useVideo } from "./useVideo";
import { Workspace, type WizProps } from "./Workspace";

export function VideoPage({ Wiz }: { Wiz: ComponentType<WizProps> }) {
  const { videoId: given = "" } = useParams();
  const [address] = useSearchParams();
  const [link, problem] = read(given);
  if (link === null) return <NoVideo problem={problem} />;
  const start = startOf(address.get("t")) ?? link.start;
  return <OneVideo key={link.videoId} videoId={link.videoId} start={start} Wiz={Wiz} />;
}

interface Props {
  videoId: string;
  /** The second that the address asks for, if it does. */
  start: number | null;
  Wiz: ComponentType<WizProps>;
}

function OneVideo({ videoId, start, Wiz }: Props) {
  const playback = usePlaybackFrom(start);
  const state = useVideo(videoId);
  useTitle(titleOf(state.video.data) ?? "Video");
  if (state.video.isError && !state.video.data) {
    return <ErrorState error={state.video.error} onRetry={() => void state.video.refetch()} />;
  }
  return (
    <PlaybackContext value={playback}>
      <Workspace videoId={videoId} {...state} Wiz={Wiz} />
    </PlaybackContext>
  );
}

/** Begins at ``start``, and goes there when the address asks for another second of the same video. */
function usePlaybackFrom(start: number | null): Playback {
  const [playback] = useState(() => new Playback(start ?? 0));
  const asked = useRef(start);
  useEffect(() => {
    if (start === null || start === asked.current) return;
    asked.current = start;
    playback.playFrom(start);
  }, [playback, start]);
  return playback;
}

/** "90", "90.5" and "1h2m3s" in seconds; null for what is no time. */
function startOf(text: string | null): number | null {
  if (!text) return null;
  const seconds = secondsIn(text) ?? Number(text);
  return seconds >= 0 ? seconds : null;
}

function NoVideo({ problem }: { problem: string }) {
  useTitle("Not found");
  return (
    <EmptyState icon="video" title="There is no such video">
      <p className="mb-4">{problem}</p>
      <ButtonLink to="/" look="primary">
        Go to the home page
      </ButtonLink>
    </EmptyState>
  );
}

/** The video out of the address, which may hold a whole link, or what is wrong with it. */
function read(given: string): [VideoLink, ""] | [null, string] {
  try {
    return [videoLinkOf(given), ""];
  } catch (refusal) {
    return [null, messageOf(refusal)];
  }
}

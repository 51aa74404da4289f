/** One video: player, notes, transcript, summary, and Wiz beside them. */

import { type ComponentType, useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { ButtonLink } from "@/components/Button";
import { EmptyState, ErrorState } from "@/components/States";
import { messageOf } from "@/lib/api/errors";
import { useTitle } from "@/lib/title";
import { videoIdOf } from "@/lib/youtube";
import { titleOf } from "./Heading";
import { Playback } from "./player/playback";
import { PlaybackContext } from "./player/usePlayback";
import { useVideo } from "./useVideo";
import { Workspace, type WizProps } from "./Workspace";

export function VideoPage({ Wiz }: { Wiz: ComponentType<WizProps> }) {
  const { videoId: given = "" } = useParams();
  const [id, problem] = read(given);
  if (id === null) return <NoVideo problem={problem} />;
  return <OneVideo key={id} videoId={id} Wiz={Wiz} />;
}

function OneVideo({ videoId, Wiz }: { videoId: string; Wiz: ComponentType<WizProps> }) {
  const [address] = useSearchParams();
  const [playback] = useState(() => new Playback(Math.max(0, Number(address.get("t")) || 0)));
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

/** The video's id out of the address, which may hold a whole link, or what is wrong with it. */
function read(given: string): [string, ""] | [null, string] {
  try {
    return [videoIdOf(given), ""];
  } catch (refusal) {
    return [null, messageOf(refusal)];
  }
}

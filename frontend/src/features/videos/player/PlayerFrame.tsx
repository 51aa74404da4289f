/** The player's frame; a link to YouTube where the player cannot be had. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Button } from "@/components/Button";
import { Icon } from "@/components/Icon";
import { Spinner } from "@/components/Spinner";
import { configQuery } from "@/lib/api/queries";
import { cx } from "@/lib/classes";
import { mountPlayer } from "./player";
import { useHandBackFocus } from "./useHandBackFocus";
import { useMoment, usePlayback } from "./usePlayback";

const API_URL = "https://www.youtube.com/iframe_api";

export function PlayerFrame({ videoId }: { videoId: string }) {
  const frame = useRef<HTMLDivElement>(null);
  const state = useMoment((moment) => moment.state);
  const known = useQuery(configQuery);
  const apiUrl = known.isPending ? null : (known.data?.player_api_url ?? API_URL);
  const again = usePlayer(frame, videoId, apiUrl);
  useHandBackFocus(frame);
  return (
    <section
      aria-label="Player"
      className={cx(
        "relative aspect-video overflow-hidden text-[#f1f1f1] sm:rounded-lg",
        state === "failed" ? "bg-sunken" : "bg-[#0f0f0f]",
      )}
    >
      {state === "loading" && (
        <p role="status" className="absolute inset-0 grid place-items-center text-2xl">
          <Spinner />
          <span className="sr-only">The player is loading</span>
        </p>
      )}
      <div
        ref={frame}
        tabIndex={-1}
        className="absolute inset-0 outline-none [&_iframe]:size-full"
      />
      {state === "failed" && <Fallback videoId={videoId} onRetry={again} />}
    </section>
  );
}

/** Keeps a player in the frame; gives the function that tries anew. */
function usePlayer(
  frame: React.RefObject<HTMLDivElement | null>,
  videoId: string,
  apiUrl: string | null,
): () => void {
  const playback = usePlayback();
  const unmount = useRef<() => void>(() => undefined);
  const mount = () => {
    unmount.current();
    if (!frame.current || !apiUrl) return;
    const request = { apiUrl, videoId, startAt: playback.read().seconds };
    unmount.current = mountPlayer(frame.current, request, {
      onReady: (player) => playback.attach(player),
      onPlaying: (playing) => playback.told(playing),
      onFailed: (reason) => playback.fail(reason),
    });
  };
  useEffect(() => {
    mount();
    return () => {
      playback.detach();
      unmount.current();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- ``mount`` is made of these
  }, [videoId, apiUrl, playback]);
  return () => {
    playback.detach();
    mount();
  };
}

function Fallback({ videoId, onRetry }: { videoId: string; onRetry: () => void }) {
  const reason = useMoment((moment) => moment.reason);
  const second = useMoment((moment) => Math.floor(moment.seconds));
  return (
    <div
      role="alert"
      className="absolute inset-0 grid content-center justify-items-center gap-3 bg-sunken p-4 text-center text-ink"
    >
      <Icon name="alert" className="text-2xl text-warn" />
      <p className="max-w-md text-sm sm:text-base">{reason}</p>
      <div className="flex flex-wrap justify-center gap-2">
        <a
          href={`https://www.youtube.com/watch?v=${videoId}&t=${second}s`}
          target="_blank"
          rel="noopener noreferrer"
          className="inline-flex min-h-9 items-center gap-2 rounded-md bg-accent px-3 text-sm font-medium text-on-accent hover:bg-accent-strong"
        >
          <Icon name="link" />
          Watch on YouTube
        </a>
        <Button size="sm" icon="refresh" onClick={onRetry}>
          Try again
        </Button>
      </div>
    </div>
  );
}

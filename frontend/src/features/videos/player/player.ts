/** A video's player, behind a small interface: what the page needs of YouTube's. */

import { loadApi, type YouTubePlayer } from "./iframeApi";

export interface Player {
  /** Seconds from the start of the video. */
  seconds(): number;
  seekTo(seconds: number): void;
  play(): void;
  pause(): void;
}

export interface PlayerEvents {
  onReady: (player: Player) => void;
  onPlaying: (playing: boolean) => void;
  /** ``reason`` is a sentence for people. */
  onFailed: (reason: string) => void;
}

interface Request {
  apiUrl: string;
  videoId: string;
  /** Seconds. */
  startAt: number;
}

const HOST = "https://www.youtube-nocookie.com";
const READY_WITHIN_MS = 20_000;
const [PLAYING, BUFFERING] = [1, 3];
const UNAVAILABLE = "YouTube does not show this video here.";
const REASONS: Record<number, string> = {
  100: "This video was removed, or is private.",
  101: "The owner of this video allows it only on YouTube itself.",
  150: "The owner of this video allows it only on YouTube itself.",
};

/** Puts a player into ``place``; the function that it gives takes it away, at any time. */
export function mountPlayer(place: HTMLElement, request: Request, events: PlayerEvents) {
  let mounted: YouTubePlayer | null = null;
  let gone = false;
  const fail = (reason: string) => {
    clearTimeout(timer);
    if (!gone) events.onFailed(reason);
  };
  const timer = setTimeout(() => fail("YouTube’s player does not answer."), READY_WITHIN_MS);
  const ready = (player: YouTubePlayer) => {
    clearTimeout(timer);
    if (!gone) events.onReady(playerOf(player));
  };
  loadApi(request.apiUrl).then(
    (api) => {
      if (gone) return;
      const frame = place.appendChild(document.createElement("div"));
      const player = new api.Player(frame, {
        ...optionsOf(request),
        events: {
          onReady: () => ready(player),
          onStateChange: ({ data }) => events.onPlaying(data === PLAYING || data === BUFFERING),
          onError: ({ data }) => fail(REASONS[data] ?? UNAVAILABLE),
        },
      });
      mounted = player;
    },
    () => fail("YouTube’s player could not be loaded. A content blocker may stand in its way."),
  );
  return () => {
    gone = true;
    clearTimeout(timer);
    mounted?.destroy();
    place.replaceChildren();
  };
}

function optionsOf({ videoId, startAt }: Request) {
  const playerVars = {
    playsinline: 1,
    rel: 0,
    start: Math.floor(startAt),
    origin: location.origin,
  };
  return { host: HOST, videoId, width: "100%", height: "100%", playerVars };
}

function playerOf(player: YouTubePlayer): Player {
  return {
    seconds: () => player.getCurrentTime(),
    seekTo: (seconds) => player.seekTo(seconds, true),
    play: () => player.playVideo(),
    pause: () => player.pauseVideo(),
  };
}

/** Loads YouTube's IFrame API, and the part of it that is used here, typed. */

export interface YouTubePlayer {
  getCurrentTime(): number;
  seekTo(seconds: number, allowSeekAhead: boolean): void;
  playVideo(): void;
  pauseVideo(): void;
  destroy(): void;
}

export interface YouTubeOptions {
  host: string;
  videoId: string;
  width: string;
  height: string;
  playerVars: Record<string, string | number>;
  events: {
    onReady: () => void;
    onStateChange: (event: { data: number }) => void;
    onError: (event: { data: number }) => void;
  };
}

export interface YouTubeApi {
  Player: new (place: HTMLElement, options: YouTubeOptions) => YouTubePlayer;
}

declare global {
  interface Window {
    YT?: Partial<YouTubeApi>;
    onYouTubeIframeAPIReady?: () => void;
  }
}

const PATIENCE_MS = 15_000;
let loading: Promise<YouTubeApi> | null = null;

/** The API, loaded once a page; rejects when it cannot be had, and can then be asked for again. */
export function loadApi(url: string): Promise<YouTubeApi> {
  loading ??= load(url).catch((reason: unknown) => {
    loading = null;
    throw reason;
  });
  return loading;
}

function load(url: string): Promise<YouTubeApi> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const give = (why: string) => {
      clearTimeout(timer);
      script.remove();
      reject(new Error(why));
    };
    const timer = setTimeout(() => give("YouTube's player took too long to load"), PATIENCE_MS);
    window.onYouTubeIframeAPIReady = () => {
      clearTimeout(timer);
      resolve(window.YT as YouTubeApi);
    };
    script.src = url;
    script.onerror = () => give("YouTube's player could not be loaded");
    document.head.append(script);
  });
}

/** Videos opened lately in this browser, newest first. */

import { useSyncExternalStore } from "react";
import { lasting } from "@/lib/storage";

export interface RecentVideo {
  videoId: string;
  title: string | null;
}

const KEY = "vidwiz.recent";
const MOST = 8;
const listeners = new Set<() => void>();

/** Puts the video first; a title that is not known yet leaves an older one. */
export function remember(video: RecentVideo): void {
  const known = parse(lasting.read(KEY));
  const title = video.title ?? known.find(isSame(video))?.title ?? null;
  const others = known.filter((one) => !isSame(video)(one));
  put([{ videoId: video.videoId, title }, ...others].slice(0, MOST));
}

/** What a video was called when it was last opened here. */
export function recentTitle(videoId: string): string | null {
  return parse(lasting.read(KEY)).find((one) => one.videoId === videoId)?.title ?? null;
}

export function forgetRecent(): void {
  put([]);
}

export function useRecent(): RecentVideo[] {
  const text = useSyncExternalStore(subscribe, () => lasting.read(KEY));
  return parse(text);
}

function put(videos: RecentVideo[]): void {
  lasting.write(KEY, videos.length ? JSON.stringify(videos) : null);
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const isSame = (video: RecentVideo) => (one: RecentVideo) => one.videoId === video.videoId;

function parse(text: string | null): RecentVideo[] {
  try {
    const videos = JSON.parse(text ?? "[]") as unknown;
    return Array.isArray(videos) ? (videos as RecentVideo[]) : [];
  } catch {
    return []; // not one of ours
  }
}

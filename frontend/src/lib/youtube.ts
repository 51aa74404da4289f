/** YouTube's links, read as the server reads them. */

import { Refusal } from "@/lib/api/errors";

/** The id of a video, given it or a link to it; throws a Refusal with a sentence for people. */
export function videoIdOf(input: string): string {
  const text = input.trim();
  if (!text) throw new Refusal("Paste a link to a YouTube video.");
  if (text.includes("list=")) {
    throw new Refusal("That is a playlist. Open one of its videos and paste its link.");
  }
  const id = /^[\w-]{11}$/.test(text) ? text : idInLink(text);
  if (!id) throw new Refusal("That is no link to a YouTube video.");
  return id;
}

/** Whether it is one; for deciding what to do with a text, not for telling why. */
export function isVideoLink(text: string): boolean {
  return idInLink(text.trim()) !== null;
}

export function thumbnailOf(videoId: string): string {
  return `https://i.ytimg.com/vi/${videoId}/mqdefault.jpg`;
}

function idInLink(text: string): string | null {
  const link = /^(?:https?:\/\/)?(?:(?:www|m|music)\.)?(?:youtube\.com|youtu\.be)\//i.test(text);
  if (!link) return null;
  const found =
    /youtu\.be\/([\w-]{11})(?![\w-])/i.exec(text) ??
    /youtube\.com\/(?:shorts|live|embed)\/([\w-]{11})(?![\w-])/i.exec(text) ??
    /youtube\.com\/watch\/?\?(?:.*&)?v=([\w-]{11})(?![\w-])/i.exec(text);
  return found?.[1] ?? null;
}

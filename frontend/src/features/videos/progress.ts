/** How far a video has come, in words, and the ways out when something failed. Pure. */

import type { Progress, WizVideo } from "@/lib/api/types";

type Part = "transcript" | "metadata" | "summary";
type Standing = Progress["transcript"];

export interface Status {
  part: Part;
  text: string;
  /** Whether it needs the person; otherwise it only takes time. */
  stuck: boolean;
  /** Whether asking anew may help. */
  retry: boolean;
  /** Whether captions may be uploaded instead. */
  upload: boolean;
}

/** Whether something is under way that will change the page. */
export function isMoving(progress: Progress | undefined): boolean {
  return PARTS.some((part) => isUnderWay(progress?.[part]));
}

/** Whether the video as it was read lacks something that is there by now. */
export function isBehind(video: WizVideo | undefined, progress: Progress | undefined): boolean {
  if (!video || !progress) return false;
  return (
    (progress.transcript.state === "ready" && !video.transcript_available) ||
    (progress.metadata.state === "ready" && !video.metadata) ||
    (progress.summary.state === "ready" && !video.summary)
  );
}

/** Whether nobody was ever asked to fetch a part; a summary comes by itself behind a transcript. */
export function isUnasked(progress: Progress | undefined): boolean {
  return progress?.transcript.state === "missing" || progress?.metadata.state === "missing";
}

/** What there is to say, the most important first; a part that is ready says nothing. */
export function statusesOf(progress: Progress): Status[] {
  return PARTS.filter((part) => progress[part].state !== "ready")
    .filter((part) => part !== "summary" || progress.transcript.state === "ready")
    .map((part) => statusOf(part, progress[part]));
}

const PARTS: Part[] = ["transcript", "metadata", "summary"];
const NAMES: Record<Part, string> = {
  transcript: "The transcript",
  metadata: "Title and channel",
  summary: "The summary",
};
const WORK: Record<Part, string> = {
  transcript: "is being fetched",
  metadata: "are being fetched",
  summary: "is being written",
};
const QUEUE: Record<Part, string> = {
  transcript: "is waiting to be fetched",
  metadata: "are waiting to be fetched",
  summary: "is waiting to be written",
};
const LACK: Record<Part, string> = {
  transcript: "is not there yet",
  metadata: "are not there yet",
  summary: "is not there yet",
};
const FAILED: Record<Part, string> = {
  transcript: "could not be fetched",
  metadata: "could not be fetched",
  summary: "could not be written",
};

function statusOf(part: Part, standing: Standing): Status {
  const stuck = !isUnderWay(standing);
  return {
    part,
    text: textOf(part, standing),
    stuck,
    retry: stuck,
    upload: part === "transcript",
  };
}

function textOf(part: Part, { state, message, attempts }: Standing): string {
  const why = message ? ` ${message}` : "";
  if (state === "failed") return `${NAMES[part]} ${FAILED[part]}.${why}`;
  if (state === "in_progress") return `${NAMES[part]} ${WORK[part]}.`;
  if (state === "missing") return `${NAMES[part]} ${LACK[part]}.`;
  return attempts > 0
    ? `${NAMES[part]} will be tried again.${why}`
    : `${NAMES[part]} ${QUEUE[part]}.`;
}

function isUnderWay(standing: Standing | undefined): boolean {
  return standing?.state === "pending" || standing?.state === "in_progress";
}

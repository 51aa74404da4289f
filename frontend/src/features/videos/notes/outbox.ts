/** New notes on their way to the server, kept until it has answered: a reload sends them again. */

import { readDraft, writeDraft } from "@/lib/drafts";
import type { Operation } from "./notes";

type NewNote = Operation & { kind: "add" };

export function outbox(videoId: string): NewNote[] {
  try {
    return JSON.parse(readDraft(nameOf(videoId)) || "[]") as NewNote[];
  } catch {
    return []; // not one of ours
  }
}

/** Keeps it; once, however often it is sent. */
export function keep(videoId: string, operation: Operation): void {
  if (operation.kind !== "add") return;
  write(videoId, [...others(videoId, operation.key), operation]);
}

export function done(videoId: string, operation: Operation): void {
  if (operation.kind === "add") write(videoId, others(videoId, operation.key));
}

const nameOf = (videoId: string) => `outbox:${videoId}`;

function others(videoId: string, key: string): NewNote[] {
  return outbox(videoId).filter((one) => one.key !== key);
}

function write(videoId: string, notes: NewNote[]): void {
  writeDraft(nameOf(videoId), notes.length ? JSON.stringify(notes) : "");
}

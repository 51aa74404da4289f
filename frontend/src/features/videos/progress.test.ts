import { expect, test } from "vitest";
import type { Progress } from "@/lib/api/types";
import { emptyNotes } from "./emptyNotes";
import { isBehind, isMoving, isUnasked, statusesOf } from "./progress";

type Standing = Progress["transcript"];
const standing = (state: Standing["state"], more: Partial<Standing> = {}): Standing => ({
  state,
  attempts: 0,
  reason: null,
  message: null,
  ...more,
});
const READY = standing("ready");
const NONE_PUT_OFF: Progress["ai_notes"] = { put_off: [], next_try_at: null, message: null };
const progress = (parts: Partial<Progress>): Progress => ({
  video_id: "W421vNri5hw",
  transcript: READY,
  metadata: READY,
  summary: READY,
  ai_notes: NONE_PUT_OFF,
  ...parts,
});
const VIDEO = {
  video_id: "W421vNri5hw",
  title: null,
  transcript_available: false,
  metadata: {},
  summary: "s",
};

test("a video that has everything needs no words", () => {
  expect(statusesOf(progress({}))).toEqual([]);
});

test("a transcript that failed says why, and offers both ways out", () => {
  const transcript = standing("failed", { message: "This video has no subtitles.", attempts: 3 });
  expect(statusesOf(progress({ transcript }))).toMatchObject([
    {
      text: "The transcript could not be fetched. This video has no subtitles.",
      stuck: true,
      retry: true,
      upload: true,
    },
  ]);
});

test("what is tried again says what went wrong, without asking for help", () => {
  const transcript = standing("pending", { attempts: 1, message: "YouTube did not answer." });
  expect(statusesOf(progress({ transcript }))).toMatchObject([
    { text: "The transcript will be tried again. YouTube did not answer.", retry: false },
  ]);
});

test("the summary is not missed before there is a transcript", () => {
  const summary = standing("missing");
  expect(statusesOf(progress({ transcript: standing("pending"), summary }))).toHaveLength(1);
  expect(statusesOf(progress({ summary }))).toMatchObject([{ part: "summary", upload: false }]);
});

test("only what is under way moves, and only what nobody asked for is unasked", () => {
  expect(isMoving(progress({ metadata: standing("in_progress") }))).toBe(true);
  expect(isMoving(progress({ metadata: standing("failed") }))).toBe(false);
  expect(isUnasked(progress({ transcript: standing("missing") }))).toBe(true);
  expect(isUnasked(progress({ summary: standing("missing") }))).toBe(false);
  expect([isMoving(undefined), isUnasked(undefined)]).toEqual([false, false]);
});

test("a video that was read too early is behind", () => {
  expect(isBehind(VIDEO, progress({}))).toBe(true);
  expect(isBehind({ ...VIDEO, transcript_available: true }, progress({}))).toBe(false);
});

test("a note that is put off says why, and when it is tried next", () => {
  const putOff = { put_off: [7], next_try_at: "2026-01-02T00:00:00Z", message: "Used up today." };
  const { textOf } = emptyNotes(true, true, putOff);
  expect(textOf(7)).toMatch(/^Used up today. Next try at .*:00/);
  expect(textOf(8)).toContain("AI is writing");
  expect(textOf(null)).toContain("AI is writing");
  expect(emptyNotes(true, true, { ...putOff, next_try_at: null }).textOf(7)).toBe("Used up today.");
});

test("an empty note says what will become of it", () => {
  expect(emptyNotes(undefined, true).awaitsAi).toBe(false);
  expect(emptyNotes(true, false).hint).toContain("once the transcript is there");
  expect(emptyNotes(true, true).textOf(7)).toContain("AI is writing");
});

import { expect, test } from "vitest";
import { pauseAfter } from "./backoff";
import { liveEventOf, staleAfter } from "./events";
import { onWatchChange, watch, watched } from "./watching";

test("a note makes the notes of its video and the library old", () => {
  const event = liveEventOf({ event: "note", data: '{"type":"added","note_id":1,"video_id":"v"}' });
  expect(event && staleAfter(event)).toEqual([["video", "v", "notes"], ["library"]]);
});

test("a reset makes everything old, the greeting nothing", () => {
  expect(staleAfter({ kind: "reset" })).toEqual([[]]);
  expect(staleAfter({ kind: "hello" })).toEqual([]);
});

test("an event of a newer server is left alone", () => {
  expect(liveEventOf({ event: "hologram", data: "{}" })).toBeNull();
});

test("pauses double up to half a minute, at least half of each", () => {
  expect([1, 2, 3, 10].map((failures) => pauseAfter(failures, 1))).toEqual([
    1000, 2000, 4000, 30_000,
  ]);
  expect(pauseAfter(1, 0)).toBe(500);
});

test("a video is watched until the last page that shows it is gone", () => {
  let told = 0;
  const off = onWatchChange(() => told++);
  const first = watch("v");
  const second = watch("v");
  first();
  expect(watched()).toEqual(["v"]);
  second();
  expect(watched()).toEqual([]);
  expect(told).toBe(1);
  off();
});

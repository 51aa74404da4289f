import { expect, test } from "vitest";
import { writeDraft } from "@/lib/drafts";
import { extended, keepDraft, readNoteDraft, stampAt } from "./draft";
import { done, keep, outbox } from "./outbox";
import { settingsOf } from "./settings";

test("a note is stamped earlier by the lead time, never before the start", () => {
  expect(stampAt(65.9, 5)).toBe(60);
  expect(stampAt(3, 5)).toBe(0);
});

test("a note that was begun keeps its second, and gets more words behind its own", () => {
  const begun = { at: 10, text: "mine " };
  expect(extended(begun, { at: 99, text: "from Wiz" })).toEqual({ at: 10, text: "mine\nfrom Wiz" });
  expect(extended(begun, { at: 99, text: "" })).toBe(begun);
});

test("an empty draft takes the second that is asked for", () => {
  expect(extended({ at: 10, text: " " }, { at: 99, text: "" })).toEqual({ at: 99, text: "" });
});

test("a draft survives a reload, for its video only", () => {
  keepDraft("video-a", { at: 12, text: "half a thou" });
  expect(readNoteDraft("video-a")).toEqual({ at: 12, text: "half a thou" });
  expect(readNoteDraft("video-b")).toBeNull();
});

test("what is no draft of ours is none", () => {
  writeDraft("note:video-a", "{");
  expect(readNoteDraft("video-a")).toBeNull();
});

test("a new note stays in the outbox until it is answered", () => {
  const operation = { kind: "add", key: "k", timestamp: "1:00", text: null } as const;
  keep("video-a", operation);
  keep("video-a", operation);
  keep("video-a", { kind: "delete", id: 1 });
  expect(outbox("video-a")).toEqual([operation]);
  done("video-a", operation);
  expect(outbox("video-a")).toEqual([]);
});

test.each([
  [null, { lead: 5, pause: true }],
  ['{"lead":30,"pause":false}', { lead: 30, pause: false }],
  ['{"lead":31}', { lead: 5, pause: true }],
  ['{"lead":"x"}', { lead: 5, pause: true }],
  ["nonsense", { lead: 5, pause: true }],
])("settings kept as %s are read within their bounds", (kept, settings) => {
  expect(settingsOf(kept)).toEqual(settings);
});

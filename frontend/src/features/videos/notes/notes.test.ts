import { expect, test } from "vitest";
import type { Note } from "@/lib/api/types";
import { matching, nearest, type Operation, settled, shown } from "./notes";

const NOW = "2026-01-01T00:00:00Z";
const note = (id: number, timestamp: string, text: string | null = "words"): Note => ({
  id,
  video_id: "W421vNri5hw",
  timestamp,
  text,
  generated_by_ai: false,
  created_at: NOW,
  updated_at: NOW,
  video: null,
  user_id: 1,
});
const NOTES = [note(1, "2:00"), note(2, "0:30"), note(3, "1:00:00")];
const adding: Operation = { kind: "add", key: "k", timestamp: "1:00", text: "new" };
const texts = (notes: { text: string }[]) => notes.map(({ text }) => text);

test("notes stand in the order of the video, those without a time last", () => {
  const times = shown([...NOTES, note(4, "sometime: 12")], []).map(({ timestamp }) => timestamp);
  expect(times).toEqual(["0:30", "2:00", "1:00:00", "sometime: 12"]);
});

test("a new note is there before the server has answered, and says that it waits", () => {
  const [, added] = shown(NOTES, [adding]);
  expect(added).toMatchObject({ text: "new", id: null, waiting: true });
});

test("an edit shows at once, and is the person's own words", () => {
  const byAi = { ...note(1, "2:00"), generated_by_ai: true };
  const [edited] = shown([byAi], [{ kind: "edit", id: 1, text: "mine" }]);
  expect(edited).toMatchObject({ text: "mine", byAi: false, waiting: true });
});

test("a deletion shows at once", () => {
  expect(shown(NOTES, [{ kind: "delete", id: 1 }]).map(({ id }) => id)).toEqual([2, 3]);
});

test("without what waits the notes are as they were: a refusal rolls back", () => {
  const waiting: Operation[] = [adding, { kind: "delete", id: 1 }];
  shown(NOTES, waiting);
  expect(shown(NOTES, [])).toHaveLength(3);
});

test("several changes of one note apply in their order", () => {
  const both: Operation[] = [
    { kind: "edit", id: 1, text: "a" },
    { kind: "edit", id: 1, text: "b" },
  ];
  expect(texts(shown([note(1, "2:00")], both))).toEqual(["b"]);
});

test("the server's answer takes the place of what it answers", () => {
  const saved = note(9, "1:00", "new");
  expect(settled(NOTES, adding, saved)).toContainEqual(saved);
  expect(settled([saved], { kind: "edit", id: 9, text: "x" }, note(9, "1:00", "x"))).toHaveLength(
    1,
  );
  expect(settled(NOTES, { kind: "delete", id: 1 }, null)).toHaveLength(2);
});

test("the filter wants every word, in the text or the time", () => {
  const notes = shown([note(1, "2:00", "Cryo tank stir"), note(2, "7:55:35", "Houston")], []);
  expect(texts(matching(notes, " TANK cryo"))).toEqual(["Cryo tank stir"]);
  expect(texts(matching(notes, "7:55"))).toEqual(["Houston"]);
  expect(matching(notes, "")).toHaveLength(2);
});

test("the filter takes letters as every search does", () => {
  const notes = shown([note(1, "2:00", "Łódź, pass\u200bword"), note(2, "3:00", "مُحَمَّد")], []);
  expect(texts(matching(notes, "lodz ＰＡＳＳＷＯＲＤ"))).toHaveLength(1);
  expect(texts(matching(notes, "محمد"))).toHaveLength(1);
});

test("the nearest note is the one closest by, if one is close", () => {
  const notes = shown(NOTES, []);
  expect(nearest(notes, 100)).toBe("1");
  expect(nearest(notes, 31)).toBe("2");
  expect(nearest(notes, 1000)).toBeNull();
});

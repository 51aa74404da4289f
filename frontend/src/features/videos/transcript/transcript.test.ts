import { expect, test } from "vitest";
import { folded } from "@/lib/folding";
import { following } from "./follow";
import { byLine, firstFrom, matchesOf, pieces, stepped } from "./search";
import { lineAt, linesOf, textOf } from "@/lib/segments";

const item = (text: string, offset: number | null) => ({ text, offset, duration: 1 });
const LINES = linesOf([
  item("Second", 10),
  item("First  line\n", 2.5),
  item("  ", 4),
  item("Third", 10),
]);
const search = (texts: string[], query: string) => matchesOf(texts.map(folded), query);

test("lines stand by their second, in one piece, without empty ones", () => {
  expect(textOf(LINES)).toBe("0:02 First line\n0:10 Second\n0:10 Third");
});

test("a line without a second stands where the one before it stands", () => {
  const lines = linesOf([item("a", 7), item("b", null), item("c", NaN)]);
  expect(lines.map(({ at }) => at)).toEqual([7, 7, 7]);
});

test.each([
  [0, -1],
  [1.9, -1],
  [2, 0],
  [2.5, 0],
  [9.9, 0],
  [10, 2],
  [99_999, 2],
])("at second %d line %d is said", (seconds, line) => expect(lineAt(LINES, seconds)).toBe(line));

test("the search minds neither case nor accents, and finds the original's place", () => {
  const [match] = search(["Über das Café"], "CAFE");
  expect(match).toEqual({ line: 0, start: 9, end: 13 });
});

test("a line may match more than once, and an empty query matches nothing", () => {
  expect(search(["go go go", "no"], "go")).toHaveLength(3);
  expect(search(["go"], "  ")).toEqual([]);
});

test("a match within a letter that folds to several marks the letter once", () => {
  expect(search(["ﬃ"], "f")).toEqual([{ line: 0, start: 0, end: 1 }]);
  expect(search(["a ro\u2060ot"], "root")).toEqual([{ line: 0, start: 2, end: 7 }]);
});

test("letters that fold to two keep the places of what follows", () => {
  expect(search(["ﬁne 🚀 day"], "day")).toEqual([{ line: 0, start: 7, end: 10 }]);
});

test("the first match is the next one from where the video is, around the end", () => {
  const matches = search(["x", "-", "x", "x"], "x");
  expect(firstFrom(matches, 1)).toBe(1);
  expect(firstFrom(matches, 9)).toBe(0);
  expect([stepped(2, 1, 3), stepped(0, -1, 3), stepped(0, 1, 0)]).toEqual([0, 2, 0]);
});

test("a line is cut at its matches, and adds up to itself", () => {
  const text = "a problem, no problem";
  const cut = pieces(text, search([text], "problem"));
  expect(cut.map(({ match }) => match)).toEqual([null, 0, null, 1]);
  expect(cut.map((piece) => piece.text).join("")).toBe(text);
});

test("matches are grouped by line", () => {
  expect([...byLine(search(["x x", "-", "x"], "x")).keys()]).toEqual([0, 2]);
});

test("the transcript follows until the person scrolls or searches, and again when told", () => {
  expect(following(true, { kind: "scrolled by hand" })).toBe(false);
  expect(following(true, { kind: "searched" })).toBe(false);
  expect(following(false, { kind: "follow" })).toBe(true);
  expect(following(false, { kind: "jumped" })).toBe(true);
});

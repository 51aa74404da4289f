import { expect, test } from "vitest";
import { piecesOf } from "./pieces";

const shown = (snippet: string, highlights: [number, number][]) =>
  piecesOf(snippet, highlights)
    .map(({ text, marked }) => (marked ? `[${text}]` : text))
    .join("");

test("what matched is marked, in order", () => {
  expect(
    shown("the bang and the bang", [
      [17, 21],
      [4, 8],
    ]),
  ).toBe("the [bang] and the [bang]");
});

test("overlapping highlights lose nothing and repeat nothing", () => {
  expect(
    shown("abcdef", [
      [0, 4],
      [2, 5],
    ]),
  ).toBe("[abcd][e]f");
});

test("highlights beyond the end are cut off", () => {
  expect(
    shown("ab", [
      [1, 9],
      [20, 30],
    ]),
  ).toBe("a[b]");
});

test("offsets are those of JavaScript's strings", () => {
  expect(shown("🎬 bang", [[3, 7]])).toBe("🎬 [bang]");
});

import { expect, test } from "vitest";
import { inShort, wordChanges } from "./words";

const shown = (before: string, after: string) =>
  wordChanges(before, after)
    .map(({ kind, text }) => ({ same: text, gone: `[-${text}-]`, new: `[+${text}+]` })[kind])
    .join("");

test("a changed word is gone and new, the rest is the same", () => {
  expect(shown("the loud bang", "the dull bang")).toBe("the [-loud-][+dull+] bang");
});

test("words at the ends are found too", () => {
  expect(shown("bang", "the bang again")).toBe("[+the +]bang[+ again+]");
});

test("equal texts have no change, and an empty one is replaced whole", () => {
  expect(shown("same", "same")).toBe("same");
  expect(shown("", "new")).toBe("[+new+]");
  expect(shown("old", "")).toBe("[-old-]");
});

test("whatever changed, both texts can be read from the changes", () => {
  const [before, after] = ["a b  c a b", "b c\na  b a"];
  const changes = wordChanges(before, after);
  const without = (kind: string) =>
    changes.filter((change) => change.kind !== kind).map(({ text }) => text);
  expect(without("new").join("")).toBe(before);
  expect(without("gone").join("")).toBe(after);
});

test("an event in short leaves out what is null and cuts what is long", () => {
  expect(inShort({ text: "bang", title: null, id: 3 })).toBe('text="bang" id=3');
  expect(inShort({ text: "x".repeat(500) })).toHaveLength(160);
});

import { expect, test } from "vitest";
import { bare, type Citation, citedBy, distinct, sentenceAt } from "./citations";

const cite = (marker: string, at: number, more: Partial<Citation> = {}): Citation => ({
  marker,
  at,
  at_utf16: null,
  start: 62,
  end: 70,
  quote: "what was said",
  ...more,
});

test("links lead back to the citation, others do not", () => {
  expect(citedBy("#citation-12")).toBe(12);
  expect(citedBy("#top")).toBeNull();
});

test("a note gets the sentence before the marker, without signs of Markdown", () => {
  const content = "Intro.\n- It was quiet. The **master alarm** rang at 3.5 volts [1:02].";
  const at = content.indexOf("[1:02]");
  expect(sentenceAt(content, cite("[1:02]", at))).toBe("The master alarm rang at 3.5 volts");
});

test("a note has the words as they were said, without joiners", () => {
  const content = "See https:\u2060//evil.example now [1:02]";
  const at = content.indexOf("[1:02]");
  expect(sentenceAt(content, cite("[1:02]", at))).toBe("See https://evil.example now");
});

test("at the beginning of a line a note gets the sentence behind the marker", () => {
  expect(sentenceAt("Found:\n[1:02] Houston here. Go.", cite("[1:02]", 7))).toBe("Houston here.");
});

test("a marker that stands alone gives the words that it cites", () => {
  expect(sentenceAt("[1:02]", cite("[1:02]", 0))).toBe("what was said");
});

test("a second that is cited twice is offered once", () => {
  expect(distinct([cite("[1:02]", 0), cite("[1:02]", 9)])).toHaveLength(1);
});

test("brackets of either kind are taken off", () => {
  expect(["[1:02]", "(1:02:03)", "1:02"].map(bare)).toEqual(["1:02", "1:02:03", "1:02"]);
});

import { expect, test } from "vitest";
import cases from "../../../tests/cases/youtube_links.json";
import { isVideoLink, videoLinkOf } from "./youtube";

/** What the page says of a text that holds no video. */
const SENTENCES: Record<string, RegExp> = {
  none: /not a link to a YouTube video\.$/,
  playlist: /playlist/,
  empty: /^Paste a link/,
};

interface Case {
  given: string;
  id: string | null;
  start?: number | null;
  refused?: string;
}

const table: Case[] = cases;

test.each(table.filter(({ id }) => id !== null))(
  "$given leads to $id at $start",
  ({ given, id, start }) => expect(videoLinkOf(given)).toEqual({ videoId: id, start }),
);

test.each(table.filter(({ id }) => id === null))(
  "$given is refused: $refused",
  ({ given, refused = "" }) => expect(() => videoLinkOf(given)).toThrow(SENTENCES[refused]),
);

test("eleven letters are no link", () => {
  expect(isVideoLink("abcdefghijk")).toBe(false);
});

test("a link in a text is one", () => {
  expect(isVideoLink("Watch https://youtu.be/W421vNri5hw?t=3")).toBe(true);
});

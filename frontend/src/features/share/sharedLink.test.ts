import { expect, test } from "vitest";
import { videoLinkOf } from "@/lib/youtube";
import { sharedLink } from "./sharedLink";

const LINK = "https://youtu.be/W421vNri5hw?t=90";
const shared = (values: Record<string, string>) => sharedLink(new URLSearchParams(values));

test.each([
  [{ url: LINK, text: "x" }],
  [{ text: `Watch this: ${LINK}` }],
  [{ title: LINK }],
  [{ url: "https://example.org/", text: `Apollo 13 ${LINK}` }],
  [{ text: `from https://example.org/ by the way: ${LINK}, at the start` }],
  [{ url: " ", title: "Apollo 13", text: LINK }],
  [{ text: "youtu.be/W421vNri5hw?t=90" }],
])("the video in %o is found, and where it begins", (values) => {
  expect(videoLinkOf(shared(values))).toEqual({ videoId: "W421vNri5hw", start: 90 });
});

test("a bare id is taken as it is", () =>
  expect(shared({ url: "W421vNri5hw" })).toBe("W421vNri5hw"));

test("what is no link to a video is named as it was shared", () =>
  expect(shared({ text: "https://youtube.com/playlist?list=PL1" })).toContain("list=PL1"));

test("nothing is nothing", () => expect(shared({})).toBe(""));

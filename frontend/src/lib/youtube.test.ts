import { expect, test } from "vitest";
import { isVideoLink, videoIdOf } from "./youtube";

test.each([
  "W421vNri5hw",
  " https://www.youtube.com/watch?v=W421vNri5hw ",
  "youtube.com/watch?app=desktop&v=W421vNri5hw&t=3s",
  "https://m.youtube.com/shorts/W421vNri5hw?feature=share",
  "https://music.youtube.com/watch?v=W421vNri5hw",
  "https://www.youtube.com/live/W421vNri5hw",
  "https://www.youtube.com/embed/W421vNri5hw",
  "https://youtu.be/W421vNri5hw?si=abc",
])("%s leads to the video", (link) => {
  expect(videoIdOf(link)).toBe("W421vNri5hw");
});

test.each(["", "hello", "https://vimeo.com/1234567", "https://youtu.be/short"])(
  "%j is refused with a sentence",
  (text) => {
    expect(() => videoIdOf(text)).toThrow(/\.$/);
  },
);

test("a playlist is named as one", () => {
  expect(() => videoIdOf("https://youtube.com/playlist?list=PL1")).toThrow(/playlist/);
});

test("eleven letters are no link", () => {
  expect(isVideoLink("abcdefghijk")).toBe(false);
});

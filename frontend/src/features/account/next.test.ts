import { expect, test } from "vitest";
import { nextOf } from "./next";

const next = (value: string) => nextOf(new URLSearchParams({ next: value }));

test("the page that was asked for comes next", () => {
  expect(next("/videos/W421vNri5hw?t=3")).toBe("/videos/W421vNri5hw?t=3");
});

test.each(["https://evil.example", "//evil.example", "/\\evil.example", "", "javascript:alert(1)"])(
  "%j leads to the videos instead",
  (value) => expect(next(value)).toBe("/videos"),
);

import { expect, test } from "vitest";
import { clock, secondsOf } from "./time";

test.each([
  [0, "0:00"],
  [61.9, "1:01"],
  [28_535, "7:55:35"],
  [-3, "0:00"],
])("%d seconds read %s", (seconds, text) => expect(clock(seconds)).toBe(text));

test.each([
  ["7:55:35", 28_535],
  ["0:05", 5],
  ["90:00", 5400],
  ["12:34.5", 754.5],
])("%s is %d seconds", (text, seconds) => expect(secondsOf(text)).toBe(seconds));

test.each(["", "12", "a:b", "1:2:3:4", ":"])("%j is no time", (text) =>
  expect(secondsOf(text)).toBeNull(),
);

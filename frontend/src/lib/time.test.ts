import { expect, test } from "vitest";
import cases from "../../../tests/cases/note_times.json";
import { clock, secondsOf } from "./time";

test.each([
  [0, "0:00"],
  [61.9, "1:01"],
  [28_535, "7:55:35"],
  [-3, "0:00"],
])("%d seconds read %s", (seconds, text) => expect(clock(seconds)).toBe(text));

test.each(cases)("$given is $seconds seconds", ({ given, seconds }) =>
  expect(secondsOf(given)).toBe(seconds),
);

import { expect, test } from "vitest";
import { inTime, quotaLine } from "./quota";
import { suggestions } from "./suggestions";

const quota = (remaining: number) => ({
  limit: 20,
  used: 20 - remaining,
  remaining,
  reset_in_seconds: 3 * 3600,
  service_limit_reached: false,
});

test("plenty of questions need no words, for somebody with an account", () => {
  expect(quotaLine(quota(6), false)).toBeNull();
  expect(quotaLine(quota(6), true)).toBe("6 of 20 questions left today");
});

test("the last questions are counted, and none says when there are new ones", () => {
  expect(quotaLine(quota(5), false)).toBe("5 of 20 questions left today");
  expect(quotaLine(quota(0), false)).toBe(
    "No questions left today. There are new ones in 3 hours.",
  );
});

test("when everybody's questions are used up, one's own that are left are not promised", () => {
  const used = { ...quota(20), service_limit_reached: true };
  expect(quotaLine(used, true)).toBe(
    "Everybody's questions of today are used up. There are new ones in 3 hours.",
  );
});

test("short times are told in minutes, at least one", () => {
  expect(inTime({ reset_in_seconds: 20 })).toBe("in 1 minute");
});

test("names out of the title and the summary are asked about first", () => {
  const asked = suggestions("Apollo 13 in real time", "Mission Control and Apollo 13.");
  expect(asked.slice(0, 2)).toEqual([
    "What is said about Apollo 13?",
    "What is said about Mission Control?",
  ]);
  expect(asked).toHaveLength(4);
});

test("without anything known there are questions for any video", () => {
  expect(suggestions(null, null)).toContain("What is this video about, in five points?");
});

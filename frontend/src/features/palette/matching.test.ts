import { expect, test } from "vitest";
import { matching } from "./matching";

const commands = ["Go to your videos", "Theme: dark", "Sign out", "Apollo 13: “Houston”"].map(
  (label) => ({ label }),
);
const found = (typed: string) => matching(commands, typed).map(({ label }) => label);

test("everything matches nothing typed", () => expect(found(" ")).toHaveLength(4));
test("beginnings of words match, in any order", () =>
  expect(found("vid go")).toEqual(["Go to your videos"]));
test("signs do not matter", () => expect(found("hous")).toEqual(["Apollo 13: “Houston”"]));
test("the inside of a word does not match", () => expect(found("ign")).toEqual([]));
test("letters are taken as every search takes them", () => {
  const [title] = matching([{ label: "हिन्दी: Ørsted’s ﬁeld" }], "field ORSTED हिन्दी");
  expect(title).toBeDefined();
});

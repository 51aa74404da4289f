import { expect, test } from "vitest";
import { sharedLink } from "./sharedLink";

const shared = (values: Record<string, string>) => sharedLink(new URLSearchParams(values));

test("the address is taken where there is one", () => {
  expect(shared({ url: "https://youtu.be/W421vNri5hw", text: "x" })).toBe(
    "https://youtu.be/W421vNri5hw",
  );
});

test("a link inside a text is found", () => {
  expect(shared({ text: "Watch this: https://youtu.be/W421vNri5hw" })).toBe(
    "https://youtu.be/W421vNri5hw",
  );
});

test("a bare id is taken as it is", () =>
  expect(shared({ url: "W421vNri5hw" })).toBe("W421vNri5hw"));

test("nothing is nothing", () => expect(shared({})).toBe(""));

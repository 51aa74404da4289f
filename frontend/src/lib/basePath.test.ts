import { describe, expect, test } from "vitest";
import { addressOf, ownName, pathAboveFolder } from "./basePath";

describe("a build knows where it lies", () => {
  test.each([
    ["https://vidwiz.example/assets/index-1a2b.js", "/"],
    ["https://example.org/vidwiz/assets/index-1a2b.js", "/vidwiz/"],
    ["https://example.org/team/vidwiz/assets/index-1a2b.js", "/team/vidwiz/"],
  ])("%s", (file, base) => expect(pathAboveFolder(file)).toBe(base));

  test("addresses begin there", () => {
    expect(addressOf("/api/notes", "/")).toBe("/api/notes");
    expect(addressOf("/api/notes", "/vidwiz/")).toBe("/vidwiz/api/notes");
  });

  test("two of one origin share no names, and at the root names are as they were", () => {
    expect(ownName("vidwiz.token", "/")).toBe("vidwiz.token");
    expect(ownName("vidwiz.token", "/vidwiz/")).toBe("/vidwiz/vidwiz.token");
  });
});

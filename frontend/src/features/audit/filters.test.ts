import { expect, test } from "vitest";
import { filtersOf, searchOf } from "./filters";

test("an address gives its filters and nothing else", () => {
  const search = new URLSearchParams("type=NoteAdded&stream=%20&utm=1&user_id=5");
  expect(filtersOf(search)).toEqual({ type: "NoteAdded", user_id: "5" });
});

test("a form gives the address of what is filled in", () => {
  const form = new FormData();
  form.set("type", " NoteAdded ");
  form.set("stream", "");
  expect(searchOf(form)).toEqual({ type: "NoteAdded" });
});

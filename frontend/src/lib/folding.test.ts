import { expect, test } from "vitest";
import cases from "../../../tests/cases/search_words.json";
import { folded } from "./folding";

test.each(cases.letters)("the page takes letters as the server does: $what", (its) => {
  const { text } = folded(its.text);
  for (const query of its.found) expect(text).toContain(folded(query).text);
  for (const query of its.missed) expect(text).not.toContain(folded(query).text);
});

test("each folded letter knows where its origin stands", () => {
  const text = "🚀 ﬁné ro\u2060ot";
  const its = folded(text);
  expect(its.text).toBe("🚀 fine root");
  const at = its.text.indexOf("root");
  expect(text.slice(its.begins[at], its.ends[at + 3])).toBe("ro\u2060ot");
  expect(text.slice(its.begins[4], its.ends[4])).toBe("ﬁ");
});

import { expect, test } from "vitest";
import { session } from "./auth/credentials";
import { forgetDrafts, readDraft, writeDraft } from "./drafts";
import { signIn } from "./testing/render";

test("a guest's draft goes along into an account", () => {
  writeDraft("note:v", "half a thought");
  signIn();
  expect(readDraft("note:v")).toBe("half a thought");
});

test("a person's draft outlives the session, and is nobody else's", () => {
  signIn("ada@example.org");
  writeDraft("note:v", "mine");
  session.close();
  signIn("bob@example.org");
  expect(readDraft("note:v")).toBe("");
  session.close();
  signIn("ada@example.org");
  expect(readDraft("note:v")).toBe("mine");
});

test("signing out on purpose forgets them", () => {
  writeDraft("note:v", "secret");
  forgetDrafts();
  expect(readDraft("note:v")).toBe("");
});

test("what something else left there is no draft", () => {
  localStorage.setItem("vidwiz.draft.note:v", "{");
  expect(readDraft("note:v")).toBe("");
});

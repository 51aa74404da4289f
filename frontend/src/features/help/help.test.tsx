import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { show, signIn } from "@/lib/testing/render";
import { serve } from "@/lib/testing/server";
import { HelpPage } from "./HelpPage";

const OFF = /AI notes are off in a new account/;
const QUOTES = /This server has no language model/;

test.each([true, false])("a guest is told what a new account begins with", async (model) => {
  serve({ "GET /api/config": [200, { language_model: model }] });
  show(HelpPage, "/help");
  expect(await screen.findByText(OFF)).toBeVisible();
  if (model) expect(screen.queryByText(QUOTES)).toBeNull();
  else expect(await screen.findByText(QUOTES)).toBeVisible();
});

test.each([
  [true, /Yours are on; you switch them off/],
  [false, /Yours are off; you switch them on/],
])("who is signed in is told whether AI notes are on: %s", async (ai_notes_enabled, words) => {
  signIn();
  serve({
    "GET /api/config": [200, { language_model: true }],
    "GET /api/user/profile": [200, { ai_notes_enabled }],
  });
  show(HelpPage, "/help");
  expect(await screen.findByText(words)).toBeVisible();
  expect(screen.queryByText(OFF)).toBeNull();
  expect(screen.getByRole("link", { name: "your profile" })).toHaveAttribute("href", "/profile");
});

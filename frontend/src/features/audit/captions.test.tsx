import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { admin } from "@/lib/auth/credentials";
import { problems } from "@/lib/testing/axe";
import { show } from "@/lib/testing/render";
import { type Answers, refusal, serve } from "@/lib/testing/server";
import { toastStore } from "@/lib/toasts";
import { CaptionsPage } from "./CaptionsPage";

const ID = "W421vNri5hw";
const SHA256 = "ab".repeat(32);
const LIST = "GET /api/transcripts/unshared";
const WORDS = `GET /api/videos/${ID}/transcript`;
const SHARE = `POST /api/videos/${ID}/transcript/share`;
const UPLOADED = {
  transcript_id: 3,
  user_id: 7,
  video_id: ID,
  title: "Apollo 13",
  segments: 1200,
  words_sha256: "cd".repeat(32),
  sha256: SHA256,
  source: "upload",
  created_at: "2026-11-22T13:58:11+00:00",
};
const ITEMS = [{ text: "Okay, Houston", offset: 61.5, duration: 2 }];

beforeEach(() => admin.open("the admin token"));

function open(answers: Answers = {}) {
  const asked = serve({
    [LIST]: [200, { transcripts: [UPLOADED], next: null }],
    [WORDS]: [200, ITEMS],
    [SHARE]: [200, { message: "" }],
    ...answers,
  });
  return { asked, ...show(CaptionsPage, "/admin/captions") };
}

const preview = async () =>
  screen.findByRole("button", { name: "Preview the captions of Apollo 13 from user 7" });

test("an admin reads the words before they are shared with everyone", async () => {
  let shared = false;
  const { asked, person } = open({
    [LIST]: () => [200, { transcripts: shared ? [] : [UPLOADED], next: null }],
    [SHARE]: () => {
      shared = true;
      return [200, { message: "" }];
    },
  });
  expect(await screen.findByText(/1,200 lines/)).toBeVisible();
  await person.click(await preview());
  const dialog = within(screen.getByRole("dialog"));
  expect(await dialog.findByText("Okay, Houston")).toBeVisible();
  expect(dialog.getByText("1:01")).toBeVisible();
  expect(await problems()).toEqual([]);
  await person.click(dialog.getByRole("button", { name: "Share with everyone" }));
  expect(await screen.findByText("No captions wait to be shared")).toBeVisible();
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(toastStore.read().at(-1)?.text).toMatch(/Everyone sees these captions/);
  const read = asked.find(({ url }) => url.pathname.endsWith("/transcript"));
  expect(Object.fromEntries(read?.url.searchParams ?? [])).toEqual({
    user_id: "7",
    sha256: SHA256,
  });
  const sent = asked.find(({ method }) => method === "POST");
  expect(sent?.body).toEqual({ user_id: 7, sha256: SHA256 });
  expect(
    asked.every(({ headers }) => headers.get("Authorization") === "Bearer the admin token"),
  ).toBe(true);
});

test.each([
  ["read", { [WORDS]: refusal(404, "NOT_FOUND", "Transcript not found") }],
  ["shared", { [SHARE]: refusal(404, "NOT_FOUND", "Transcript not found") }],
])("captions that were replaced before they were %s say so", async (when, answers) => {
  const { asked, person } = open(answers);
  await person.click(await preview());
  if (when === "shared") {
    await screen.findByText("Okay, Houston");
    await person.click(screen.getByRole("button", { name: "Share with everyone" }));
  }
  expect(await screen.findByText(/replaced or removed these captions/)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Share with everyone" })).toBeNull();
  const lists = () => asked.filter(({ url }) => url.pathname.endsWith("/unshared")).length;
  const before = lists();
  await person.click(screen.getByRole("button", { name: "Close" }));
  await waitFor(() => expect(lists()).toBe(before + 1));
});

test("words that are not there yet cannot be shared", async () => {
  const { person } = open({ [WORDS]: refusal(503, "UNAVAILABLE", "The store does not answer.") });
  await person.click(await preview());
  expect(await screen.findByText("The store does not answer.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Share with everyone" })).toBeDisabled();
});

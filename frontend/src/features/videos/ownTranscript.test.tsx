import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { problems } from "@/lib/testing/axe";
import { show, signIn } from "@/lib/testing/render";
import { type Answers, refusal, serve } from "@/lib/testing/server";
import { toastStore } from "@/lib/toasts";
import { PreviewOf } from "./PreviewOf";
import { WhoseTranscript } from "./transcript/WhoseTranscript";

const ID = "W421vNri5hw";
const PATH = `/api/videos/${ID}/transcript`;
const OWN = { segments: 2, source: "upload" };
const SHARED = { origin: "workers" };
const READ = {
  message: "",
  video_id: ID,
  segments: 7,
  shared: false,
  beginning: [{ text: "Okay, Houston", offset: 61.5, duration: 2 }],
  skipped: { count: 1, first: [{ line: 9, reason: "its end is before its start" }] },
};

const Shown = () => <WhoseTranscript videoId={ID} />;

function open(whose: object, answers: Answers = {}) {
  const listed = { video_id: ID, reads: null, own: null, shared: null, brought: [], ...whose };
  const asked = serve({ [`GET ${PATH}s`]: [200, listed], ...answers });
  return { asked, ...show(Shown, `/videos/${ID}`) };
}

const names = () =>
  screen.queryAllByRole("button").map(({ ariaLabel, textContent }) => ariaLabel ?? textContent);

test.each([
  [{}, ["Upload captions"]],
  [{ reads: "shared", shared: SHARED }, ["Upload captions"]],
  [{ reads: "own", own: OWN }, ["Replace your captions", "Remove your captions"]],
  [
    { reads: "own", own: OWN, shared: SHARED },
    ["Show the shared transcript", "Replace your captions", "Remove your captions"],
  ],
  [
    { reads: "shared", own: OWN, shared: SHARED },
    ["Show your captions", "Replace your captions", "Remove your captions"],
  ],
  [{ own: OWN }, ["Show your captions", "Replace your captions", "Remove your captions"]],
])("what can be done with %j", async (whose, expected) => {
  signIn();
  open(whose);
  await screen.findAllByRole("button");
  expect(names()).toEqual(expected);
  expect(await problems()).toEqual([]);
});

test("a guest is offered nothing and asks nothing", async () => {
  const { asked } = open({ reads: "shared", shared: SHARED });
  await waitFor(() => expect(names()).toEqual([]));
  expect(asked).toEqual([]);
});

test("what is brought is shown before it is kept", async () => {
  signIn();
  const { asked, person } = open({}, { [`POST ${PATH}`]: [200, READ] });
  await person.click(await screen.findByRole("button", { name: "Upload captions" }));
  const file = new File(["1:01 Okay, Houston"], "captions.srt");
  await person.upload(screen.getByLabelText("Transcript file"), file);
  const preview = await screen.findByRole("region", { name: "Preview" });
  expect(within(preview).getByText("Okay, Houston")).toBeVisible();
  expect(preview).toHaveTextContent("7 lines.");
  expect(preview).toHaveTextContent("1 cue was left out:");
  expect(preview).toHaveTextContent("line 9: its end is before its start");
  const sent = () => asked.filter(({ method }) => method === "POST").map(({ url }) => url.search);
  expect(sent()).toEqual([expect.stringContaining("preview=true")]);
  await person.click(screen.getByRole("button", { name: "Back" }));
  expect(screen.queryByRole("region", { name: "Preview" })).toBeNull();
  await person.upload(screen.getByLabelText("Transcript file"), file);
  await person.click(await screen.findByRole("button", { name: "Save these captions" }));
  await waitFor(() => expect(sent()).toHaveLength(3));
  expect(sent()[2]).not.toContain("preview");
  const told = toastStore.read().map(({ text }) => text);
  expect(told).toContain("Captions saved: 7 lines. Only you see them.");
});

test("what cannot be read says why and stays", async () => {
  signIn();
  const { person } = open({}, { [`POST ${PATH}`]: refusal(422, "VALIDATION_ERROR", "No cue") });
  await person.click(await screen.findByRole("button", { name: "Upload captions" }));
  await person.type(screen.getByLabelText("Transcript"), "hello");
  await person.click(screen.getByRole("button", { name: "Preview" }));
  expect(await screen.findByText(/No cue/)).toBeVisible();
  expect(screen.getByLabelText("Transcript")).toHaveValue("hello");
});

test("one's own is removed after a question", async () => {
  signIn();
  const { asked, person } = open({ reads: "own", own: OWN }, { [`DELETE ${PATH}`]: [200, {}] });
  await person.click(await screen.findByRole("button", { name: "Remove your captions" }));
  expect(asked.some(({ method }) => method === "DELETE")).toBe(false);
  await person.click(screen.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(asked.some(({ method }) => method === "DELETE")).toBe(true));
  await waitFor(() => expect(screen.queryByText("Remove your captions?")).toBeNull());
});

test("one chooses whose one reads", async () => {
  signIn();
  const { asked, person } = open(
    { reads: "own", own: OWN, shared: SHARED },
    { [`PATCH ${PATH}`]: [200, {}] },
  );
  await person.click(await screen.findByRole("button", { name: "Show the shared transcript" }));
  await waitFor(() =>
    expect(asked.find(({ method }) => method === "PATCH")?.body).toEqual({ use: "shared" }),
  );
});

test("of many cues that were left out the first ones are named, and all are counted", () => {
  const first = [9, 9, 12].map((line) => ({ line, reason: "a time is malformed" }));
  const Shown = () => <PreviewOf read={{ ...READ, skipped: { count: 1003, first } }} />;
  show(Shown, "/");
  const preview = screen.getByRole("region", { name: "Preview" });
  expect(preview).toHaveTextContent("1,003 cues were left out:");
  expect(within(preview).getAllByText("line 9: a time is malformed")).toHaveLength(2);
  expect(preview).toHaveTextContent("and 1,000 more");
});

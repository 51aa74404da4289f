import { act, cleanup, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { problems } from "@/lib/testing/axe";
import { show, signIn } from "@/lib/testing/render";
import { type Answers, refusal, serve } from "@/lib/testing/server";
import { never, override } from "@/lib/testing/streams";
import { toastStore } from "@/lib/toasts";
import { changeNoteSettings } from "./notes/settings";
import { VideoPage } from "./VideoPage";

const ID = "W421vNri5hw";
const NOW = "2026-01-01T00:00:00Z";
const READY = { state: "ready", attempts: 0, reason: null, message: null };
const NONE_PUT_OFF = { put_off: [], next_try_at: null, message: null };
const FAILED = { state: "failed", attempts: 3, reason: "x", message: "It has no subtitles." };
const note = (id: number, timestamp: string, text: string | null) => ({
  id,
  video_id: ID,
  timestamp,
  text,
  generated_by_ai: false,
  created_at: NOW,
  updated_at: NOW,
  video: null,
  user_id: 1,
});

const VIDEO: Answers = {
  [`GET /api/wiz/video/${ID}`]: [
    200,
    {
      video_id: ID,
      title: null,
      transcript_available: true,
      metadata: { title: "Apollo 13", channel: "NASA", duration: 3661 },
      summary: "The accident.",
    },
  ],
  [`GET /api/videos/${ID}/progress`]: [
    200,
    { video_id: ID, transcript: READY, metadata: READY, summary: READY, ai_notes: NONE_PUT_OFF },
  ],
  [`GET /api/notes/${ID}`]: [200, [note(1, "0:30", "First thought"), note(2, "2:00", null)]],
  "GET /api/user/profile": [200, { ai_notes_enabled: true }],
};

function Page() {
  return <VideoPage Wiz={() => <input aria-label="Wiz" data-question="" />} />;
}

const open = (answers: Answers = {}, search = "") => {
  const asked = serve({ ...VIDEO, ...answers });
  return { asked, ...show(Page, `/videos/${ID}${search}`, "/videos/:videoId") };
};
async function nextFrames(count: number): Promise<void> {
  for (let frame = 0; frame < count; frame++) await new Promise(requestAnimationFrame);
}
const notes = () => screen.getAllByRole("listitem").map(({ textContent }) => textContent);

test("the page says what the video is, and has nothing that axe minds", async () => {
  signIn();
  open();
  expect(await screen.findByRole("heading", { name: "Apollo 13" })).toBeVisible();
  expect(screen.getByText("1:01:01")).toBeVisible();
  expect(await screen.findByText("First thought")).toBeVisible();
  expect(screen.getByText("AI is writing this…")).toBeVisible();
  expect(await problems()).toEqual([]);
});

test("a video that nobody opened before is opened", async () => {
  let known = false;
  const { asked } = open({
    [`GET /api/wiz/video/${ID}`]: (request) => {
      const there = VIDEO[`GET /api/wiz/video/${ID}`];
      return known && typeof there === "object" ? there : refusal(404, "NOT_FOUND", request.method);
    },
    "POST /api/wiz/init": () => {
      known = true;
      return [200, { is_new: true }];
    },
  });
  expect(await screen.findByRole("heading", { name: "Apollo 13" })).toBeVisible();
  expect(asked.filter(({ method }) => method === "POST")).toHaveLength(1);
});

test("a whole link in the address leads to its video, other words to the way out", async () => {
  serve(VIDEO);
  show(Page, `/videos/${encodeURIComponent(`https://youtu.be/${ID}?si=x`)}`, "/videos/:videoId");
  expect(await screen.findByRole("heading", { name: "Apollo 13" })).toBeVisible();
  show(Page, "/videos/hello", "/videos/:videoId");
  expect(await screen.findByText("There is no such video")).toBeVisible();
});

test("what failed says why, and is tried again on demand", async () => {
  const { asked, person } = open({
    [`GET /api/videos/${ID}/progress`]: [
      200,
      { video_id: ID, transcript: FAILED, metadata: READY, summary: READY, ai_notes: NONE_PUT_OFF },
    ],
    "POST /api/wiz/init": [200, { tasks_queued: ["transcript"] }],
  });
  expect(await screen.findByText(/could not be fetched. It has no subtitles./)).toBeVisible();
  expect(asked.some(({ method }) => method === "POST")).toBe(false);
  await person.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(asked.some(({ method }) => method === "POST")).toBe(true));
});

test("the key stamps a note, Enter saves it, and it shows before the server has answered", async () => {
  signIn();
  const { person } = open({}, "?t=65");
  await screen.findByText("First thought");
  override({ "POST /api/notes": never });
  await person.keyboard("n");
  expect(screen.getByLabelText("Time of the note")).toHaveValue("1:00");
  await person.keyboard("Typed at once{Enter}");
  await waitFor(() => expect(notes()[1]).toContain("Typed at once"));
  expect(notes()[1]).toContain("Saving…");
  expect(screen.queryByLabelText("Note text")).toBeNull();
});

test("a note is sent with a key that makes sending it again harmless", async () => {
  const isNote = ({ method, url }: { method: string; url: URL }) =>
    method === "POST" && url.pathname === "/api/notes";
  signIn();
  const { asked, person } = open({ "POST /api/notes": [201, note(3, "0:00", "x")] });
  await screen.findByText("First thought");
  await person.keyboard("nx{Control>}{Enter}{/Control}");
  await waitFor(() => expect(asked.some(isNote)).toBe(true));
  const sent = asked.find(isNote);
  expect(sent?.body).toEqual({ video_id: ID, timestamp: "0:00", text: "x" });
  expect(sent?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
});

test("a note that is refused goes away again, and its words are back where they were typed", async () => {
  signIn();
  const { person } = open({ "POST /api/notes": refusal(422, "VALIDATION_ERROR", "Too long") });
  await screen.findByText("First thought");
  await person.keyboard("nprecious{Enter}");
  expect(await screen.findByLabelText("Note text")).toHaveValue("precious");
  await waitFor(() => expect(notes()).toHaveLength(2));
  expect(toastStore.read().at(-1)?.text).toBe("Your note was not saved: Too long.");
});

test("Escape leaves a note, and what was written can be had back", async () => {
  signIn();
  const { person } = open();
  await screen.findByText("First thought");
  await person.keyboard("nhalf a thought{Escape}");
  expect(screen.queryByLabelText("Note text")).toBeNull();
  toastStore.read().at(-1)?.action?.run();
  expect(await screen.findByLabelText("Note text")).toHaveValue("half a thought");
});

test("Shift+Enter begins a line", async () => {
  signIn();
  const { person } = open();
  await screen.findByText("First thought");
  await person.keyboard("na{Shift>}{Enter}{/Shift}b");
  expect(screen.getByLabelText("Note text")).toHaveValue("a\nb");
});

test("a guest keeps what was typed, and is shown the way in", async () => {
  const { person } = open();
  await screen.findByRole("heading", { name: "Apollo 13" });
  await person.keyboard("nmine{Enter}");
  const [way] = within(await screen.findByRole("alert")).getAllByRole("link");
  expect(way).toHaveAttribute("href", `/signup?next=${encodeURIComponent(`/videos/${ID}`)}`);
  expect(screen.getByLabelText("Note text")).toHaveValue("mine");
});

test("an edit that is refused opens again with its words", async () => {
  signIn();
  const { person } = open({ "PATCH /api/notes/1": refusal(404, "NOT_FOUND", "Note not found") });
  await person.click(await screen.findByRole("button", { name: "Edit the note at 0:30" }));
  const field = screen.getByLabelText("Note text at 0:30");
  await person.clear(field);
  await person.type(field, "Second thought{Enter}");
  await waitFor(() =>
    expect(toastStore.read().at(-1)?.text).toBe("Your change was not saved: Note not found."),
  );
  expect(screen.getByLabelText("Note text at 0:30")).toHaveValue("Second thought");
});

test("a deletion is offered back, and comes back as the version before it", async () => {
  signIn();
  const version = { text: "x", generated_by_ai: false, at: NOW, by: "you" };
  const { asked, person } = open({
    "DELETE /api/notes/1": [200, { message: "Note deleted successfully" }],
    "GET /api/notes/1/history": [
      200,
      {
        note_id: 1,
        deleted: true,
        versions: [
          { ...version, version: 3, position: 9, what: "deleted" },
          { ...version, version: 2, position: 8, what: "edited" },
        ],
        next: null,
      },
    ],
    "POST /api/notes/1/revert": [200, note(1, "0:30", "First thought")],
  });
  await person.click(await screen.findByRole("button", { name: "Delete the note at 0:30" }));
  await waitFor(() => expect(asked.some(({ method }) => method === "DELETE")).toBe(true));
  toastStore.read().at(-1)?.action?.run();
  await waitFor(() =>
    expect(asked.find(({ url }) => url.pathname.endsWith("/revert"))?.body).toEqual({ version: 2 }),
  );
});

test("a note that a reload interrupted is sent again, with the same key", async () => {
  signIn();
  const first = open();
  await screen.findByText("First thought");
  const keys: (string | null)[] = [];
  const answer = (request: RequestInit) => {
    keys.push(new Headers(request.headers).get("Idempotency-Key"));
    return never(request);
  };
  override({ "POST /api/notes": answer });
  await first.person.keyboard("nx{Enter}");
  await waitFor(() => expect(keys).toHaveLength(1));
  show(Page, `/videos/${ID}`, "/videos/:videoId");
  await waitFor(() => expect(keys).toHaveLength(2));
  expect(keys[1]).toBe(keys[0]);
});

test("what waits for a panel's field does not outlive the page", async () => {
  signIn();
  serve(VIDEO);
  const Without = () => <VideoPage Wiz={() => null} />;
  const { person } = show(Without, `/videos/${ID}`, "/videos/:videoId");
  await screen.findByText("First thought");
  await person.keyboard("w");
  cleanup();
  const field = document.body.appendChild(document.createElement("input"));
  field.dataset.question = "";
  await nextFrames(2);
  expect(field).not.toHaveFocus();
  field.remove();
});

test("a key shows a panel and puts the cursor into it, and the address keeps it", async () => {
  signIn();
  const { person, router } = open();
  await screen.findByText("First thought");
  await person.keyboard("w");
  await waitFor(() => expect(router.state.location.search).toBe("?tab=wiz"));
  await waitFor(() => expect(screen.getByRole("textbox", { name: "Wiz" })).toHaveFocus());
});

test.each([
  ["?t=3723", "1:02:03"],
  ["?t=1h2m3s", "1:02:03"],
  ["?t=90.5", "1:30"],
  ["?t=-5", "0:00"],
  ["?t=soon", "0:00"],
  ["", "0:00"],
])("%s begins at %s", async (search, at) => {
  changeNoteSettings({ lead: 0 });
  open({}, search);
  expect(await screen.findByRole("button", { name: `Note at ${at}` })).toBeVisible();
});

test("an address that holds a whole link begins where that does", async () => {
  changeNoteSettings({ lead: 0 });
  serve(VIDEO);
  const link = encodeURIComponent(`https://youtu.be/${ID}?t=90`);
  show(Page, `/videos/${link}`, "/videos/:videoId");
  expect(await screen.findByRole("button", { name: "Note at 1:30" })).toBeVisible();
});

test("another link into the same video goes there, and a change of tab does not", async () => {
  changeNoteSettings({ lead: 0 });
  const { router, person } = open({}, "?t=10");
  expect(await screen.findByRole("button", { name: "Note at 0:10" })).toBeVisible();
  await act(() => router.navigate(`/videos/${ID}?t=65`));
  expect(await screen.findByRole("button", { name: "Note at 1:05" })).toBeVisible();
  await act(() => router.navigate(`/videos/${ID}`));
  await person.click(screen.getByRole("tab", { name: "Ask Wiz" }));
  expect(screen.getByRole("button", { name: "Note at 1:05" })).toBeVisible();
});

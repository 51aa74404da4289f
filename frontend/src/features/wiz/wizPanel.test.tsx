import { screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { problems } from "@/lib/testing/axe";
import { show, signIn } from "@/lib/testing/render";
import { type Answers, refusal, serve } from "@/lib/testing/server";
import { override } from "@/lib/testing/streams";
import { WizPanel } from "./WizPanel";

const ID = "W421vNri5hw";
const NOW = "2026-01-01T00:00:00Z";
const LIST = "GET /api/wiz/conversations";
const ONE = "GET /api/wiz/conversations/7";
const QUOTA = "GET /api/wiz/quota";
const quota = (remaining: number) => ({
  limit: 5,
  used: 5 - remaining,
  remaining,
  reset_in_seconds: 7200,
  service_limit_reached: false,
});
const onSeek = vi.fn();

function Panel() {
  return (
    <WizPanel
      videoId={ID}
      title="Apollo 13"
      summary={null}
      hasTranscript
      onSeek={onSeek}
      onNote={vi.fn()}
    />
  );
}

function open(answers: Answers = {}) {
  const empty: Answers = {
    [LIST]: [200, { conversations: [] }],
    [QUOTA]: [200, quota(5)],
  };
  const asked = serve({ ...empty, ...answers });
  return { asked, ...show(Panel, "/") };
}

const accepted = () =>
  new Response("", { headers: { "X-Wiz-Turn-ID": "10", "X-Wiz-Conversation-ID": "7" } });
const event = (kind: string, id: string, data: object) =>
  `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
const STREAM =
  event("delta", "11.0", { content: "Then [1:02]" }) +
  event("citation", "11.1", { marker: "[1:02]", at: 5, start: 62, end: 70, quote: "Alarm." }) +
  event("completed", "11.1.end", { message_id: 11 });
const conversation = (status: string) => ({
  conversation_id: 7,
  video_id: ID,
  created_at: NOW,
  updated_at: NOW,
  messages: [{ id: 10, role: "user", content: "Why?", citations: [], created_at: NOW }],
  turns: [{ turn_id: 10, status, answer_id: null, reason: null, partial: null }],
});
const question = () => screen.getByLabelText("Your question");

test("an answer arrives with its citation, which seeks; axe minds nothing", async () => {
  const { person } = open();
  override({
    "POST /api/wiz/chat": accepted,
    "GET /api/wiz/turns/10/stream": () => new Response(STREAM),
  });
  await person.type(question(), "Why?{Enter}");
  await person.click(await screen.findByRole("button", { name: "Play from 1:02" }));
  expect(onSeek).toHaveBeenCalledWith(62);
  expect(screen.getByRole("button", { name: "Note at 1:02" })).toBeVisible();
  expect(question()).toHaveValue("");
  expect(await problems()).toEqual([]);
});

test("a page that is opened in mid-answer follows it, and asks nothing again", async () => {
  const { asked } = open({
    [LIST]: [
      200,
      {
        conversations: [
          {
            conversation_id: 7,
            video_id: ID,
            first_question: "Why?",
            created_at: NOW,
            updated_at: NOW,
          },
        ],
      },
    ],
    [ONE]: [200, conversation("answering")],
  });
  override({ "GET /api/wiz/turns/10/stream": () => new Response(STREAM) });
  expect(await screen.findByRole("button", { name: "Play from 1:02" })).toBeVisible();
  expect(within(screen.getAllByRole("list")[0] as HTMLElement).getAllByText("Why?")).toHaveLength(
    1,
  );
  expect(asked.every(({ method }) => method === "GET")).toBe(true);
});

test("while the transcript is on its way the question stays where it was typed", async () => {
  const { person } = open({ "POST /api/wiz/chat": [202, { status: "processing", message: "x" }] });
  await person.type(question(), "Why?{Enter}");
  expect(await screen.findByText(/still on its way/)).toBeVisible();
  expect(question()).toHaveValue("Why?");
});

test("a guest at the limit is invited, and keeps the question", async () => {
  const limit = "Daily limit reached (5 guest messages/day)";
  const { person } = open({
    "POST /api/wiz/chat": refusal(429, "RATE_LIMIT_EXCEEDED", limit, { reset_in_seconds: 60 }),
  });
  await person.type(question(), "Why?{Enter}");
  const invitation = await screen.findByText(/today’s questions for guests/);
  expect(invitation).toBeVisible();
  expect(screen.getByRole("link", { name: "Sign up" })).toHaveAttribute(
    "href",
    expect.stringContaining("/signup?next="),
  );
  expect(question()).toHaveValue("Why?");
});

test("what is left is said before it hurts", async () => {
  signIn();
  open({ [QUOTA]: [200, { ...quota(3), limit: 20 }] });
  expect(await screen.findByText("3 of 20 questions left today")).toBeVisible();
});

test("with nothing left nothing can be asked", async () => {
  signIn();
  const { asked, person } = open({ [QUOTA]: [200, quota(0)] });
  await screen.findByText(/new ones in 2 hours/);
  await person.type(question(), "Why?{Enter}");
  expect(asked.some(({ method }) => method === "POST")).toBe(false);
});

test("when everybody's questions are used up nothing can be asked, also by a guest", async () => {
  const { asked, person } = open({ [QUOTA]: [200, { ...quota(5), service_limit_reached: true }] });
  await screen.findByText(/Everybody's questions of today are used up/);
  await person.type(question(), "Why?{Enter}");
  expect(asked.some(({ method }) => method === "POST")).toBe(false);
});

test("a question that could not be sent says why, and stays", async () => {
  const { person } = open({ "POST /api/wiz/chat": refusal(503, "INTERNAL_ERROR", "Internal") });
  await person.type(question(), "Why?{Enter}");
  expect(await screen.findByText(/went wrong on our side/)).toBeVisible();
  expect(question()).toHaveValue("Why?");
});

test("a question that was taken although no answer came is not asked twice", async () => {
  let asked = 0;
  const { person } = open({
    [LIST]: () => [
      200,
      { conversations: asked ? [{ conversation_id: 7, first_question: "Why?" }] : [] },
    ],
    [ONE]: [200, conversation("answering")],
  });
  await screen.findByText("5 of 5 questions left today");
  override({
    "POST /api/wiz/chat": () => {
      asked++;
      throw new TypeError("the connection was lost");
    },
    "GET /api/wiz/turns/10/stream": () => new Response(STREAM),
  });
  await person.type(question(), "Why?{Enter}");
  await screen.findByText(/cannot be reached/);
  await person.click(screen.getByRole("button", { name: "Ask" }));
  await waitFor(() => expect(question()).toHaveValue(""));
  expect(asked).toBe(1);
});

test("a first question is asked by a press", async () => {
  const { asked, person } = open({ "POST /api/wiz/chat": refusal(503, "INTERNAL_ERROR", "x") });
  await person.click(screen.getByRole("button", { name: /five points/ }));
  await waitFor(() => expect(asked.some(({ method }) => method === "POST")).toBe(true));
});

import { expect, test } from "vitest";
import type { Conversation } from "@/lib/api/types";
import { answering, exchangesOf, withAsked, withLive } from "./exchanges";
import { START, type Turn } from "./turn";

const NOW = "2026-01-01T00:00:00Z";
const message = (id: number, role: "user" | "assistant", content: string) => ({
  id,
  role,
  content,
  citations: [],
  cut: false,
  created_at: NOW,
});

function conversation(status: "answering" | "completed" | "failed"): Conversation {
  const done = status === "completed";
  return {
    conversation_id: 1,
    video_id: "W421vNri5hw",
    created_at: NOW,
    updated_at: NOW,
    messages: [
      message(10, "user", "Why?"),
      ...(done ? [message(11, "assistant", "Because.")] : []),
    ],
    turns: [
      {
        turn_id: 10,
        status,
        answer_id: done ? 11 : null,
        reason: status === "failed" ? "interrupted" : null,
        partial: status === "failed" ? "Bec" : null,
      },
    ],
  };
}

const live = (turn: Partial<Turn>) => ({
  turnId: 10,
  question: "Why?",
  turn: { ...START, ...turn },
});

test("a stored answer stands under its question", () => {
  expect(exchangesOf(conversation("completed"))).toMatchObject([
    { question: "Why?", content: "Because.", status: "completed" },
  ]);
});

test("a failed answer keeps what there was, and says that it failed", () => {
  const [failed] = exchangesOf(conversation("failed"));
  expect(failed).toMatchObject({ content: "Bec", problem: "The answer could not be finished." });
});

test("a question is shown once while its answer arrives", () => {
  const told = withLive(exchangesOf(conversation("answering")), live({ content: "Be" }));
  expect(told).toMatchObject([{ question: "Why?", content: "Be", status: "answering" }]);
});

test("a new question is shown before the conversation was read again", () => {
  expect(withLive([], live({ content: "Be" }))).toMatchObject([
    { question: "Why?", content: "Be" },
  ]);
});

test("what was stored in the end wins over what was heard", () => {
  const told = withLive(exchangesOf(conversation("completed")), live({ content: "Beca" }));
  expect(told).toMatchObject([{ content: "Because.", status: "completed" }]);
});

test("why it failed is known in words only to whoever was there", () => {
  const failed = exchangesOf(conversation("failed"));
  const heard = live({ content: "Beca", status: "failed", problem: "Too busy." });
  expect(withLive(failed, heard)).toMatchObject([{ content: "Beca", problem: "Too busy." }]);
  expect(withLive(failed, live({}))).toBe(failed);
});

test("a reloaded page finds the turn that is being answered", () => {
  expect(answering(conversation("answering"))).toBe(10);
  expect(answering(conversation("completed"))).toBeNull();
  expect(answering(undefined)).toBeNull();
});

test("a question on its way stands last", () => {
  const asked = withAsked(exchangesOf(conversation("completed")), "And?");
  expect(asked.at(-1)).toMatchObject({ question: "And?", status: "asking" });
});

import { expect, test } from "vitest";
import type { ServerEvent } from "@/lib/api/sse";
import { after, lastEventId, START } from "./turn";

const delta = (content: string, id: string): ServerEvent => ({
  event: "delta",
  data: JSON.stringify({ content }),
  id,
});
const citation = (marker: string, id: string): ServerEvent => ({
  event: "citation",
  data: JSON.stringify({ marker, at: 0, start: 1, end: 2, quote: "" }),
  id,
});
const ending = (event: string, id: string, data: object = {}): ServerEvent => ({
  event,
  data: JSON.stringify(data),
  id,
});
const told = (...events: ServerEvent[]) => events.reduce(after, START);

test("pieces and citations add up to the answer", () => {
  const turn = told(delta("At ", "3.0"), delta("[1:02]", "9.0"), citation("[1:02]", "9.1"));
  expect(turn.content).toBe("At [1:02]");
  expect(turn.citations).toHaveLength(1);
  expect(lastEventId(turn)).toBe("9.1");
});

test("what comes twice counts once", () => {
  const [first, cited] = [delta("Go", "2.0"), citation("[0:01]", "2.1")];
  const turn = told(first, first, cited, cited, first);
  expect(turn.content).toBe("Go");
  expect(turn.citations).toHaveLength(1);
});

test("of a piece that is partly known only the rest is added", () => {
  expect(told(delta("Hous", "4.0"), delta("Houston", "7.0")).content).toBe("Houston");
});

test("a piece behind a gap is left for the next connection", () => {
  const turn = told(delta("Go", "2.0"), delta("later", "9.0"));
  expect(turn.content).toBe("Go");
  expect(lastEventId(turn)).toBe("2.0");
});

test("a citation behind a gap is left too", () => {
  expect(told(citation("[0:09]", "0.2")).citations).toEqual([]);
});

test("characters are code points, not what JavaScript counts", () => {
  const turn = told(delta("🚀🚀", "2.0"), delta("!", "3.0"));
  expect(turn.content).toBe("🚀🚀!");
});

test("a turn ends once, and nothing comes after", () => {
  const turn = told(
    delta("Go", "2.0"),
    ending("stopped", "2.0.end"),
    ending("completed", "2.0.end"),
    delta("!", "3.0"),
  );
  expect(turn).toMatchObject({ status: "stopped", content: "Go" });
});

test("a failure says why, and keeps what there is", () => {
  const failed = ending("failed", "2.0.end", { code: "x", message: "The model was too busy." });
  const turn = told(delta("Go", "2.0"), failed);
  expect(turn).toMatchObject({ problem: "The model was too busy.", content: "Go" });
});

test("an event without a place, or of a newer server, changes nothing", () => {
  expect(told({ event: "delta", data: '{"content":"x"}' })).toBe(START);
  expect(told(ending("hologram", "0.0"))).toBe(START);
});

test("whoever has seen nothing asks from the start", () => {
  expect(lastEventId(START)).toBeNull();
});

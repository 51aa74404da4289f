import { expect, test } from "vitest";
import { EventParser, eventsOf } from "./sse";

test("an event comes out when its blank line is there, however it was cut", () => {
  const parser = new EventParser();
  expect(parser.push("id: 7\nevent: no")).toEqual([]);
  expect(parser.push('te\ndata: {"a":1}\n')).toEqual([]);
  expect(parser.push("\ndata: [DONE]\n\n")).toEqual([
    { event: "note", data: '{"a":1}', id: "7" },
    { event: "message", data: "[DONE]", id: undefined },
  ]);
});

test("comments are no events", () => {
  expect(new EventParser().push(": beat\n\ndata: x\n\n")).toHaveLength(1);
});

test("a character cut in two arrives whole", async () => {
  const bytes = new TextEncoder().encode("data: 🎬\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      stream.enqueue(bytes.slice(0, 8));
      stream.enqueue(bytes.slice(8));
      stream.close();
    },
  });
  const seen = [];
  for await (const event of eventsOf(body)) seen.push(event.data);
  expect(seen).toEqual(["🎬"]);
});

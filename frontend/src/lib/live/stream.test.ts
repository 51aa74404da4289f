import { afterEach, expect, test, vi } from "vitest";
import { LiveStream, liveState, onLiveEvent } from "./live";

/** A stream that says this and stays open. */
function stayOpen(text: string) {
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(new TextEncoder().encode(text)),
  });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
}

const stream = new LiveStream();
afterEach(() => stream.stop());

test("what the stream tells is told to every listener, and the state is live", async () => {
  stayOpen("id: 1\nevent: hello\ndata: {}\n\nid: 2\nevent: profile\ndata: {}\n\n");
  const told: string[] = [];
  const off = onLiveEvent((event) => told.push(event.kind));
  stream.start();
  await vi.waitFor(() => expect(told).toEqual(["hello", "profile"]));
  expect(liveState.read()).toBe("live");
  off();
});

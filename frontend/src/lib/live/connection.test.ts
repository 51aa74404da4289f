import { afterEach, expect, test, vi } from "vitest";
import { follow } from "./connection";
import type { LiveEvent } from "./events";

const requests: Headers[] = [];

/** Answers each request with the next of these: the text of a stream that ends, or a status. */
function serve(...answers: (string | number)[]) {
  requests.length = 0;
  vi.stubGlobal("fetch", (_: string, { headers }: { headers: Headers }) => {
    requests.push(headers);
    const answer = answers.shift() ?? 404;
    if (typeof answer === "number") return Promise.resolve(new Response("", { status: answer }));
    return Promise.resolve(new Response(answer));
  });
}

async function followed() {
  const events: LiveEvent[] = [];
  const states: boolean[] = [];
  const onLive = (live: boolean) => {
    states.push(live);
    if (!live) setTimeout(() => dispatchEvent(new Event("online"))); // do not wait the pause out
  };
  const follower = { onEvent: (event: LiveEvent) => events.push(event), onLive };
  await follow(["v"], { lastEventId: null }, follower, new AbortController().signal);
  return { events, states };
}

afterEach(() => vi.unstubAllGlobals());

test("a broken stream goes on behind the last event that was seen", async () => {
  serve("id: 41\nevent: hello\ndata: {}\n\n", "id: 42\nevent: profile\ndata: {}\n\n");
  const { events } = await followed();
  expect(events.map((event) => event.kind)).toEqual(["hello", "profile"]);
  expect(requests.map((headers) => headers.get("Last-Event-ID"))).toEqual([null, "41", "42"]);
});

test("it says that it is not live when the server is away, and tries again", async () => {
  serve(503, "id: 1\nevent: hello\ndata: {}\n\n");
  const { states } = await followed();
  expect(states).toEqual([false, true, false, false]);
});

test("it does not ask again where it may not listen", async () => {
  serve(401);
  await followed();
  expect(requests).toHaveLength(1);
});

import { afterEach, expect, test, vi } from "vitest";
import { follow } from "./follow";
import type { Turn } from "./turn";

const asked: (string | null)[] = [];

/** Answers each request with the next of these: the text of a stream that ends, or a status. */
function serve(...answers: (string | number)[]) {
  asked.length = 0;
  vi.stubGlobal("fetch", (_: string, { headers }: { headers: Headers }) => {
    asked.push(headers.get("Last-Event-ID"));
    const answer = answers.shift() ?? 404;
    if (typeof answer === "number") return Promise.resolve(new Response("", { status: answer }));
    setTimeout(() => dispatchEvent(new Event("online")), 5); // do not wait the pause out
    return Promise.resolve(new Response(answer));
  });
}

async function followed(): Promise<Turn | undefined> {
  const turns: Turn[] = [];
  await follow(7, (turn) => turns.push(turn), new AbortController().signal);
  return turns.at(-1);
}

afterEach(() => vi.unstubAllGlobals());

test("a stream that breaks off goes on behind what was seen", async () => {
  serve(
    'id: 5.0\nevent: delta\ndata: {"content":"Hello"}\n\n',
    'id: 6.0\nevent: delta\ndata: {"content":"!"}\n\nid: 6.0.end\nevent: completed\ndata: {}\n\n',
  );
  expect(await followed()).toMatchObject({ content: "Hello!", status: "completed" });
  expect(asked).toEqual([null, "5.0"]);
});

test("a turn that is not there any more has failed", async () => {
  serve(404);
  expect((await followed())?.status).toBe("failed");
  expect(asked).toHaveLength(1);
});

import { expect, test, vi } from "vitest";
import { admin, guestId, session } from "@/lib/auth/credentials";
import { signIn } from "@/lib/testing/render";
import { refusal, serve } from "@/lib/testing/server";
import { send } from "./client";

test("a guest sends the same id every time, and no token", async () => {
  const asked = serve({ "GET /api/wiz/quota": [200, {}] });
  await send("get", "/api/wiz/quota");
  await send("get", "/api/wiz/quota");
  const ids = asked.map(({ headers }) => headers.get("X-Guest-Session-ID"));
  expect(ids).toEqual([guestId(), guestId()]);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(asked[0]?.headers.has("Authorization")).toBe(false);
});

test("a person sends the token, and a token that is refused ends the session", async () => {
  const token = signIn();
  const asked = serve({ "GET /api/user/profile": refusal(401, "UNAUTHORIZED", "Unauthorized") });
  await expect(send("get", "/api/user/profile")).rejects.toThrow("Please sign in to do that.");
  expect(asked[0]?.headers.get("Authorization")).toBe(`Bearer ${token}`);
  expect(session.read()).toBeNull();
  expect(session.ranOut()).toBe(true);
});

test("the admin's token goes to the auditor's routes only", async () => {
  const token = signIn();
  admin.open("root");
  const asked = serve({ "GET /api/audit/health": [200, {}], "GET /api/user/profile": [200, {}] });
  await send("get", "/api/audit/health", { as: "admin" });
  await send("get", "/api/user/profile");
  expect(asked.map(({ headers }) => headers.get("Authorization"))).toEqual([
    "Bearer root",
    `Bearer ${token}`,
  ]);
});

test("names in the path are escaped, blanks in the query left out, lists repeated", async () => {
  const asked = serve({});
  const query = { video_id: ["a", "b"] };
  await send("get", "/api/stream", { query }).catch(() => undefined);
  await send("get", "/api/notes/{video_id}", { path: { video_id: "a/b?" } }).catch(() => undefined);
  await send("get", "/api/search", { query: { query: "", page: 2 } }).catch(() => undefined);
  expect(asked.map(({ url }) => url.pathname + url.search)).toEqual([
    "/api/stream?video_id=a&video_id=b",
    "/api/notes/a%2Fb%3F",
    "/api/search?page=2",
  ]);
});

test("no answer at all is a sentence too", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(send("get", "/api/config")).rejects.toMatchObject({
    code: "OFFLINE",
    message: "VidWiz cannot be reached. Check your connection and try again.",
  });
});

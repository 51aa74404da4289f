import { expect, test, vi } from "vitest";
import { session } from "@/lib/auth/credentials";
import { signIn } from "@/lib/testing/render";
import { send } from "@/lib/api/client";
import { heard, now } from "./clock";

const HOUR_MS = 3_600_000;

function serverIs(hours: number): void {
  const date = new Date(Date.now() + hours * HOUR_MS).toUTCString();
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("{}", { headers: { Date: date } })));
}

test("a browser whose clock is 25 hours ahead is signed in, and stays so after a reload", async () => {
  signIn(); // for an hour by the browser's clock
  vi.setSystemTime(Date.now() + 25 * HOUR_MS);
  expect(session.read()).toBeNull();
  serverIs(-25);
  await send("get", "/api/config");
  expect(session.read()?.email).toBe("ada@example.org");
  vi.useRealTimers();
});

test("a session that has run out by the server's clock is none, whatever the browser says", async () => {
  signIn();
  serverIs(2);
  await send("get", "/api/config");
  expect(session.read()).toBeNull();
});

test("a clock that is right again is believed", () => {
  expect(heard(new Date(Date.now() - HOUR_MS).toUTCString())).toBe(true);
  expect(Math.abs(Date.now() - HOUR_MS - now())).toBeLessThan(1001);
  expect(heard(new Date().toUTCString())).toBe(true);
  expect(Math.abs(Date.now() - now())).toBeLessThan(5);
});

test.each([null, "", "soon", new Date(Date.now() + 30_000).toUTCString()])(
  "a date of %j changes nothing",
  (date) => {
    expect(heard(date)).toBe(false);
    expect(Math.abs(Date.now() - now())).toBeLessThan(5);
  },
);

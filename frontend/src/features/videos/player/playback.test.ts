import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Playback } from "./playback";
import type { Player } from "./player";

/** A player that does what it is told, at once. */
class FakePlayer implements Player {
  at = 0;
  playing = false;
  seconds = () => this.at;
  seekTo = (seconds: number) => void (this.at = seconds);
  play = () => void (this.playing = true);
  pause = () => void (this.playing = false);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what is wanted before the player is there happens when it is", () => {
  const [playback, player] = [new Playback(), new FakePlayer()];
  playback.playFrom(90);
  playback.attach(player);
  expect(player).toMatchObject({ at: 90, playing: true });
});

test("a link to a second shows it without playing", () => {
  const [playback, player] = [new Playback(30), new FakePlayer()];
  playback.attach(player);
  expect(player).toMatchObject({ at: 30, playing: false });
});

test("the second is followed while it plays", () => {
  const [playback, player] = [new Playback(), new FakePlayer()];
  playback.attach(player);
  const told = vi.fn();
  playback.subscribe(told);
  playback.told(true);
  player.at = 7;
  vi.advanceTimersByTime(1000);
  expect(playback.read().seconds).toBe(7);
  playback.told(false);
  told.mockClear();
  player.at = 8;
  vi.advanceTimersByTime(1000);
  expect(told).not.toHaveBeenCalled();
  expect(playback.now()).toBe(8);
});

test("skipping never goes before the start", () => {
  const [playback, player] = [new Playback(), new FakePlayer()];
  playback.attach(player);
  player.at = 4;
  playback.skip(-10);
  expect(player.at).toBe(0);
});

test("one that failed says why, and can be replaced", () => {
  const playback = new Playback(12);
  playback.fail("No player.");
  expect(playback.read()).toMatchObject({ state: "failed", reason: "No player." });
  playback.attach(new FakePlayer());
  expect(playback.read()).toMatchObject({ state: "ready", reason: null, seconds: 12 });
});

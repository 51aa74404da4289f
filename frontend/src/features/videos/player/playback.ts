/** Where the video is and whether it plays, for everything on the page that follows it. */

import type { Player } from "./player";

export interface Moment {
  state: "loading" | "ready" | "failed";
  playing: boolean;
  /** Seconds from the start of the video. */
  seconds: number;
  /** Why it failed, as a sentence. */
  reason: string | null;
}

const TICK_MS = 250;

/** Takes commands at any time: what is wanted before the player is there happens when it is. */
export class Playback {
  private player: Player | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private playWhenReady = false;
  private moment: Moment;
  private readonly listeners = new Set<() => void>();

  constructor(startAt = 0) {
    this.moment = { state: "loading", playing: false, seconds: startAt, reason: null };
  }

  readonly read = (): Moment => this.moment;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  attach(player: Player): void {
    this.player = player;
    this.become({ state: "ready", reason: null });
    if (this.moment.seconds > 0) player.seekTo(this.moment.seconds);
    if (this.playWhenReady) player.play();
    else if (this.moment.seconds > 0) player.pause(); // YouTube plays on when it seeks
  }

  detach(): void {
    clearInterval(this.timer);
    this.player = null;
    this.become({ state: "loading", playing: false });
  }

  fail(reason: string): void {
    clearInterval(this.timer);
    this.player = null;
    this.become({ state: "failed", playing: false, reason });
  }

  /** The player began or ceased to play. */
  told(playing: boolean): void {
    clearInterval(this.timer);
    this.become({ playing });
    this.tick();
    if (playing) this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  seekTo(seconds: number): void {
    const to = Math.max(0, seconds);
    this.player?.seekTo(to);
    this.become({ seconds: to });
  }

  /** Goes there and plays, which is what a click on a time means. */
  playFrom(seconds: number): void {
    this.seekTo(seconds);
    this.play();
  }

  /** Seconds, forward or (negative) back. */
  skip(seconds: number): void {
    this.tick();
    this.seekTo(this.moment.seconds + seconds);
  }

  play(): void {
    this.playWhenReady = true;
    this.player?.play();
  }

  pause(): void {
    this.playWhenReady = false;
    this.player?.pause();
  }

  toggle(): void {
    if (this.moment.playing) this.pause();
    else this.play();
  }

  /** The second that is shown right now. */
  now(): number {
    this.tick();
    return this.moment.seconds;
  }

  private tick(): void {
    const seconds = this.player?.seconds();
    if (seconds !== undefined && seconds !== this.moment.seconds) this.become({ seconds });
  }

  private become(change: Partial<Moment>): void {
    this.moment = { ...this.moment, ...change };
    this.listeners.forEach((listener) => listener());
  }
}

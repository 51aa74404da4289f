/** The person's live stream in this browser: who connects, and whether it works. */

import { ownName } from "@/lib/basePath";
import { follow, type Place } from "./connection";
import type { LiveEvent } from "./events";
import { lead } from "./leader";
import { onWatchChange, watched } from "./watching";

/** "connecting" until the first answer; "away" when it cannot connect. */
export type LiveState = "off" | "connecting" | "live" | "away";

/** What tabs say to each other. */
type Message =
  | { say: "event"; event: LiveEvent; place: Place }
  | { say: "state"; state: LiveState; place: Place }
  | { say: "watching"; videoIds: string[] }
  | { say: "who is there?" };

const MOST_WATCHED = 20;

let state: LiveState = "off";
const stateListeners = new Set<() => void>();
const eventListeners = new Set<(event: LiveEvent) => void>();

export const liveState = {
  read: (): LiveState => state,
  subscribe: (listener: () => void): (() => void) => {
    stateListeners.add(listener);
    return () => stateListeners.delete(listener);
  },
};

/** Hears every event of the stream, in whichever tab it arrives. */
export function onLiveEvent(listener: (event: LiveEvent) => void): () => void {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

function tell(event: LiveEvent): void {
  eventListeners.forEach((listener) => listener(event));
}

function become(next: LiveState): void {
  if (next === state) return;
  state = next;
  stateListeners.forEach((listener) => listener());
}

/** Follows the signed-in person's stream, or hears it from the tab that does, until stopped. */
export class LiveStream {
  private readonly ended = new AbortController();
  private readonly channel = new BroadcastChannel(ownName("vidwiz.live"));
  private readonly wanted = new Set(watched());
  private readonly unsubscribe = onWatchChange(() => this.sayWatching());
  /** Known to every tab, so that the next leader goes on where the last one was. */
  private place: Place = { lastEventId: null };
  private leads = false;
  private round = new AbortController();

  start(): void {
    become("connecting");
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hear(data);
    this.sayWatching();
    void lead((signal) => this.run(signal), this.ended.signal);
  }

  stop(): void {
    this.ended.abort();
    this.unsubscribe();
    this.channel.close();
    become("off");
  }

  /** The leader's work; it connects anew when another video is to be watched. */
  private async run(signal: AbortSignal): Promise<void> {
    this.leads = true;
    this.say({ say: "who is there?" });
    do {
      this.round = new AbortController();
      const either = AbortSignal.any([signal, this.round.signal]);
      await follow([...this.wanted].slice(-MOST_WATCHED), this.place, this, either);
    } while (this.round.signal.aborted && !signal.aborted);
  }

  onEvent(event: LiveEvent): void {
    tell(event);
    this.say({ say: "event", event, place: this.place });
  }

  onLive(live: boolean): void {
    become(live ? "live" : "away");
    this.sayState();
  }

  private hear(message: Message): void {
    if ("place" in message) this.place = message.place;
    if (message.say === "event") tell(message.event);
    else if (message.say === "state") become(message.state);
    else if (message.say === "watching") this.want(message.videoIds);
    else this.sayWatching();
  }

  private want(videoIds: string[]): void {
    const before = this.wanted.size;
    videoIds.forEach((id) => this.wanted.add(id));
    if (!this.leads) return;
    this.sayState();
    if (this.wanted.size > before) this.round.abort();
  }

  private sayState(): void {
    this.say({ say: "state", state, place: this.place });
  }

  private sayWatching(): void {
    this.want(watched());
    this.say({ say: "watching", videoIds: watched() });
  }

  private say(message: Message): void {
    if (!this.ended.signal.aborted) this.channel.postMessage(message);
  }
}

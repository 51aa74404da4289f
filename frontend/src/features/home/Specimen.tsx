/** A picture of the product, drawn with its own parts: a player's timeline, a note, an answer. */

import { Icon } from "@/components/Icon";

export function Specimen() {
  return (
    <div
      role="img"
      aria-label="A video with two notes on its timeline, and an answer that cites 7:55:20"
      className="grid gap-3 rounded-lg border border-line bg-surface p-4 shadow-float sm:p-5"
    >
      <Screen />
      <Note time="7:55:35" text="“Houston, we’ve had a problem here.” The bang is oxygen tank 2." />
      <Note
        time="8:14:02"
        text="Venting seen from the window: they are losing the second tank too."
      />
      <Answer />
    </div>
  );
}

function Screen() {
  return (
    <div className="relative aspect-video rounded-md bg-[#17211f] text-white">
      <span className="absolute inset-0 m-auto grid size-14 place-items-center rounded-full bg-white/12 text-2xl">
        <Icon name="play" />
      </span>
      <div className="absolute inset-x-4 bottom-4 h-1.5 rounded-full bg-white/25">
        <span className="absolute inset-y-0 left-0 w-2/5 rounded-full bg-[#5cd0bf]" />
        <span className="absolute -top-1 left-2/5 size-3.5 -translate-x-1/2 rounded-full bg-white" />
        <span className="absolute -top-0.5 left-[62%] size-2.5 rounded-full bg-[#ffd76a]" />
        <span className="absolute -top-0.5 left-[18%] size-2.5 rounded-full bg-[#ffd76a]" />
      </div>
    </div>
  );
}

function Note({ time, text }: { time: string; text: string }) {
  return (
    <div className="flex gap-3 rounded-md bg-sunken p-3 text-sm">
      <span className="font-mono text-accent">{time}</span>
      <span>{text}</span>
    </div>
  );
}

function Answer() {
  return (
    <div className="flex gap-3 rounded-md border border-line p-3 text-sm">
      <Icon name="wand" className="mt-0.5 text-lg text-accent" />
      <span>
        Mission Control had just asked for a cryo stir; the master alarm came seconds later{" "}
        <span className="rounded-sm bg-accent-tint px-1 font-mono text-xs text-accent-strong">
          7:55:20
        </span>
      </span>
    </div>
  );
}

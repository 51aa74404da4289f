/** The keys that do something, by place. */

import { Kbd } from "./Kbd";

const MOD = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";

const SHEET: { place: string; keys: { keys: string[]; does: string }[] }[] = [
  {
    place: "Everywhere",
    keys: [
      { keys: [MOD, "K"], does: "Go to a page or run a command" },
      { keys: ["?"], does: "Show this sheet" },
      { keys: ["Esc"], does: "Close what is open" },
    ],
  },
  {
    place: "Your videos",
    keys: [{ keys: ["/"], does: "Search" }],
  },
  {
    place: "A video",
    keys: [
      { keys: ["N"], does: "Note at this second" },
      { keys: ["Space", "K"], does: "Play or pause" },
      { keys: ["J", "L"], does: "Back, forward 10 seconds" },
      { keys: ["←", "→"], does: "Back, forward 5 seconds" },
      { keys: ["T"], does: "Transcript" },
      { keys: ["W"], does: "A question to Wiz" },
      { keys: ["/"], does: "Search the transcript, filter the notes" },
    ],
  },
];

export function KeyboardSheet() {
  return (
    <div className="gap-8 sm:columns-2">
      {SHEET.map(({ place, keys }) => (
        <section key={place} className="grid break-inside-avoid pb-6 content-start gap-2">
          <h3 className="text-sm text-soft">{place}</h3>
          <dl className="grid gap-2">
            {keys.map(({ keys: pressed, does }) => (
              <div key={does} className="flex items-center justify-between gap-4">
                <dt>{does}</dt>
                <dd className="flex gap-1">
                  {pressed.map((key) => (
                    <Kbd key={key}>{key}</Kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

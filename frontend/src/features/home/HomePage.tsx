/** The landing page: what VidWiz does, and a field to begin at once. */

import { Link, Navigate } from "react-router";
import { ButtonLink } from "@/components/Button";
import { Icon, type IconName } from "@/components/Icon";
import { OpenVideo } from "@/components/OpenVideo";
import { useSession } from "@/lib/auth/useSession";
import { useTitle } from "@/lib/title";
import { Specimen } from "./Specimen";

/** Mission audio of NASA, free for all, with subtitles. */
const EXAMPLE = "W421vNri5hw";

export function HomePage() {
  useTitle("VidWiz");
  if (useSession()) return <Navigate to="/videos" replace />;
  return (
    <div className="grid gap-16 pb-12 sm:gap-24 sm:pt-8">
      <Hero />
      <section aria-labelledby="what" className="grid gap-6">
        <h2 id="what" className="text-2xl">
          Watch once, find it for good
        </h2>
        <ul className="grid gap-4 sm:grid-cols-3">
          {PROMISES.map((promise) => (
            <Promised key={promise.title} {...promise} />
          ))}
        </ul>
      </section>
      <Invitation />
    </div>
  );
}

function Hero() {
  return (
    <section className="grid items-center gap-10 lg:grid-cols-[1.1fr_1fr] lg:gap-16">
      <div className="grid gap-6">
        <h1 className="text-hero">Notes pinned to the second you learned it.</h1>
        <p className="max-w-xl text-lg text-soft">
          Paste a YouTube link. VidWiz fetches the transcript, keeps your notes on the timeline, and
          answers questions with the exact moment it was said.
        </p>
        <div className="max-w-xl">
          <OpenVideo action="Open the video" large />
          <p className="mt-3 text-sm text-soft">
            No link at hand?{" "}
            <Link
              to={`/videos/${EXAMPLE}`}
              className="font-medium text-accent underline underline-offset-4"
            >
              Try Apollo 13
            </Link>
            . You need no account: guests may ask a few questions a day.
          </p>
        </div>
      </div>
      <Specimen />
    </section>
  );
}

const PROMISES: { icon: IconName; title: string; text: string }[] = [
  {
    icon: "note",
    title: "Note without stopping",
    text: "Press N. The time is stamped, the video waits while you type. Leave it empty, and with AI notes on, AI writes what was said.",
  },
  {
    icon: "wand",
    title: "Ask the video",
    text: "Wiz answers from the transcript and cites the second. Click the citation, and the player is there.",
  },
  {
    icon: "search",
    title: "Find it months later",
    text: "One search over your notes, titles and every word of the transcripts, down to the second.",
  },
];

function Promised({ icon, title, text }: (typeof PROMISES)[number]) {
  return (
    <li className="grid content-start gap-2 rounded-lg border border-line bg-surface p-6">
      <Icon name={icon} className="text-2xl text-accent" />
      <h3 className="text-lg">{title}</h3>
      <p className="text-soft">{text}</p>
    </li>
  );
}

function Invitation() {
  return (
    <section className="grid justify-items-center gap-4 rounded-lg bg-sunken px-6 py-12 text-center">
      <h2 className="text-2xl">Keep what you find</h2>
      <p className="max-w-lg text-soft">
        With an account your notes follow you: to the phone, to the browser extension, and out again
        as Markdown whenever you like.
      </p>
      <ButtonLink to="/signup" look="primary">
        Sign up
      </ButtonLink>
    </section>
  );
}

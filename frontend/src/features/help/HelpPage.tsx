/** How it works, on one page. */

import type { ReactNode } from "react";
import { Card } from "@/components/Card";
import { KeyboardSheet } from "@/components/KeyboardSheet";
import { useTitle } from "@/lib/title";

export function HelpPage() {
  useTitle("Help");
  return (
    <div className="mx-auto grid max-w-2xl gap-6">
      <h1 className="text-2xl">Help</h1>
      <Topic title="Take a note">
        <p>
          Open a video by its link and press N, or the note button on a phone. The current second is
          stamped and the video waits while you type. Saved without words, the note is written by AI
          once the transcript is there; you can switch that off in your profile.
        </p>
      </Topic>
      <Topic title="Ask Wiz">
        <p>
          Wiz answers from the video’s transcript and cites the second. Press a citation to go
          there. Questions are counted per day; what is left is shown beside the field.
        </p>
      </Topic>
      <Topic title="Find it again">
        <p>
          The search on your videos’ page looks into titles, notes and every word of the
          transcripts. The last word may be unfinished; words in quotes are one phrase.
        </p>
      </Topic>
      <Topic title="When there is no transcript">
        <p>
          Some videos have none, or YouTube refuses to give it. The video’s page says why, and lets
          you try again or bring your own: paste it, or upload a VTT or SRT file.
        </p>
      </Topic>
      <Topic title="On the phone, and from elsewhere">
        <p>
          Install VidWiz from your browser’s menu, and it appears in the phone’s share sheet: share
          a video from YouTube, and it opens here. The browser extension and scripts use the
          long-term token of your profile.
        </p>
      </Topic>
      <Topic title="Keys">
        <KeyboardSheet />
      </Topic>
    </div>
  );
}

function Topic({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card className="grid gap-2">
      <h2 className="text-lg">{title}</h2>
      {children}
    </Card>
  );
}

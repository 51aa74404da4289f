/** How it works, on one page. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { Card } from "@/components/Card";
import { KeyboardSheet } from "@/components/KeyboardSheet";
import { configQuery, profileQuery } from "@/lib/api/queries";
import { useSession } from "@/lib/auth/useSession";
import { useTitle } from "@/lib/title";

export function HelpPage() {
  useTitle("Help");
  return (
    <div className="mx-auto grid max-w-2xl gap-6">
      <h1 className="text-2xl">Help</h1>
      <Topic title="Take a note">
        <p>
          Open a video by its link and press N, or the note button on a phone. The current second is
          stamped and the video waits while you type.
        </p>
        <EmptyNotes />
      </Topic>
      <Topic title="Ask Wiz">
        <p>
          Wiz answers from the video’s transcript and cites the second. Press a citation to go
          there. Questions are counted per day; what is left is shown beside the field.
        </p>
      </Topic>
      <Topic title="Find it again">
        <p>
          A video that you open is listed on your videos’ page, on every device. The search there
          looks into titles, notes and every word of the transcripts. The last word may be
          unfinished; words in quotes are one phrase.
        </p>
      </Topic>
      <Topic title="When there is no transcript">
        <p>
          Some videos have none, or YouTube refuses to give it. The video’s page says why, and lets
          you try again or upload captions: as a file such as VTT or SRT, or pasted.
        </p>
      </Topic>
      <Topic title="On the phone, and from elsewhere">
        <p>
          Install VidWiz from your browser’s menu, and it appears in the phone’s share sheet: share
          a video from YouTube, and it opens here. The browser extension and scripts use the API key
          of your profile.
        </p>
      </Topic>
      <Topic title="Keys">
        <KeyboardSheet />
      </Topic>
    </div>
  );
}

/** What becomes of a note without words, for this person and on this server. */
function EmptyNotes() {
  const signedIn = useSession() !== null;
  const { data: profile } = useQuery({ ...profileQuery, enabled: signedIn });
  const { data: config } = useQuery(configQuery);
  const profileLink = <Link to="/profile">your profile</Link>;
  return (
    <p className="[&_a]:underline">
      A note without words keeps only the time, unless AI notes are on: then its words are written
      once the transcript is there. {!signedIn && "AI notes are off in a new account."}
      {profile?.ai_notes_enabled === true && (
        <>Yours are on; you switch them off in {profileLink}.</>
      )}
      {profile?.ai_notes_enabled === false && (
        <>Yours are off; you switch them on in {profileLink}.</>
      )}
      {config?.language_model === false &&
        " This server has no language model: it quotes what was said at that time, and answers of Wiz are quotes too."}
    </p>
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

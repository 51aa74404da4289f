/** One video: player, notes, transcript and Wiz. */

import { useParams } from "react-router";
import { useTitle } from "@/lib/title";

export function VideoPage() {
  const { videoId = "" } = useParams();
  useTitle("Video");
  return <h1 className="text-2xl">{videoId}</h1>;
}

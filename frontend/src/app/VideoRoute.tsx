/** The page of a video with Wiz in it: the one place where the two features meet. */

import { VideoPage } from "@/features/videos/VideoPage";
import { WizPanel } from "@/features/wiz/WizPanel";

export function VideoRoute() {
  return <VideoPage Wiz={WizPanel} />;
}

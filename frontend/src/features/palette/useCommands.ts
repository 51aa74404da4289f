/** What the palette can do for this person, now. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import type { IconName } from "@/components/Icon";
import { videosQuery } from "@/lib/api/queries";
import { useOpenVideo } from "@/lib/api/useOpenVideo";
import { leave } from "@/lib/auth/leave";
import { useSession } from "@/lib/auth/useSession";
import { factsOf, nameWithoutTitle } from "@/lib/metadata";
import { useRecent } from "@/lib/recent";
import { chooseTheme } from "@/lib/theme";
import { isVideoLink } from "@/lib/youtube";
import { matching } from "./matching";

export interface Command {
  id: string;
  label: string;
  icon: IconName;
  run: () => void;
}

const MOST = 12;

/** The commands for what is typed, best first; what to do with the text itself comes last. */
export function useCommands(typed: string): Command[] {
  const direct = useDirect(typed);
  const pages = usePages();
  const videos = useVideos();
  const settings = useSettings();
  return [...matching([...pages, ...videos, ...settings], typed).slice(0, MOST), ...direct];
}

/** What can be done with the text itself. */
function useDirect(typed: string): Command[] {
  const navigate = useNavigate();
  const open = useOpenVideo();
  const session = useSession();
  const text = typed.trim();
  if (isVideoLink(text)) {
    const run = () => open.mutate(text);
    return [{ id: "open", label: "Open this video", icon: "play", run }];
  }
  if (!text || !session) return [];
  const run = () => void navigate(`/videos?q=${encodeURIComponent(text)}`);
  return [{ id: "search", label: `Search for “${text}”`, icon: "search", run }];
}

function usePages(): Command[] {
  const navigate = useNavigate();
  const page = (label: string, to: string, icon: IconName): Command => ({
    id: to,
    label,
    icon,
    run: () => void navigate(to),
  });
  const forPeople = [page("Your videos", "/videos", "video"), page("Profile", "/profile", "user")];
  const forGuests = [
    page("Start", "/", "video"),
    page("Log in", "/login", "user"),
    page("Sign up", "/signup", "user"),
  ];
  return [
    ...(useSession() ? forPeople : forGuests),
    page("Help and keys", "/help", "help"),
    page("Admin", "/admin", "shield"),
  ];
}

function useVideos(): Command[] {
  const navigate = useNavigate();
  const session = useSession();
  const { data } = useQuery({ ...videosQuery(), enabled: session !== null });
  const own = data?.videos.map(({ video_id, title, metadata }) => ({
    videoId: video_id,
    title: title ?? factsOf(metadata).title,
  }));
  const all = new Map([...useRecent(), ...(own ?? [])].map((video) => [video.videoId, video]));
  return [...all.values()].map(({ videoId, title }) => ({
    id: videoId,
    label: title ?? nameWithoutTitle(videoId),
    icon: "play",
    run: () => void navigate(`/videos/${videoId}`),
  }));
}

function useSettings(): Command[] {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const session = useSession();
  const signOut = () => {
    leave(queries);
    void navigate("/");
  };
  return [
    { id: "light", label: "Theme: light", icon: "sun", run: () => chooseTheme("light") },
    { id: "dark", label: "Theme: dark", icon: "moon", run: () => chooseTheme("dark") },
    {
      id: "system",
      label: "Theme: as the system",
      icon: "system",
      run: () => chooseTheme("system"),
    },
    ...(session ? [{ id: "out", label: "Sign out", icon: "signOut", run: signOut } as const] : []),
  ];
}

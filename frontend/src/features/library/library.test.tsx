import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { forgetRecent, remember } from "@/lib/recent";
import { show, signIn } from "@/lib/testing/render";
import { refusal, serve } from "@/lib/testing/server";
import { LibraryPage } from "./LibraryPage";

const video = (id: string, title: string, note_count = 0) => ({
  video_id: id,
  title,
  metadata: null,
  note_count,
});
const page = (videos: object[], total_pages = 1) => ({
  videos,
  total: videos.length,
  page: 1,
  per_page: 12,
  total_pages,
});
const hit = {
  kind: "transcript",
  note_id: null,
  seconds: 75.5,
  timestamp: "1:15",
  snippet: "and bang it went",
  highlights: [[4, 8]],
};
const found = {
  query: "bang",
  total: 1,
  videos: [
    { video_id: "W421vNri5hw", title: "Apollo 13", metadata: null, hits: [hit], hit_count: 1 },
  ],
};

test("videos are listed, each with the way to its page", async () => {
  signIn();
  serve({ "GET /api/library": [200, page([video("W421vNri5hw", "Apollo 13")])] });
  show(LibraryPage, "/videos");
  const link = await screen.findByRole("link", { name: "Apollo 13" });
  expect(link).toHaveAttribute("href", "/videos/W421vNri5hw");
});

test("a video says how many notes the person has on it, if any", async () => {
  signIn();
  const videos = [video("a", "Opened"), video("b", "Noted", 1), video("c", "Studied", 7)];
  serve({ "GET /api/library": [200, page(videos)] });
  show(LibraryPage, "/videos");
  await screen.findByRole("link", { name: "Opened" });
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual([
    "Opened",
    "Noted1 note",
    "Studied7 notes",
  ]);
});

test("what was opened before signing in is listed apart, and nothing twice", async () => {
  remember({ videoId: "mine", title: "Mine" });
  remember({ videoId: "guests", title: "Of the guest" });
  signIn();
  serve({ "GET /api/library": [200, page([video("mine", "Mine")])] });
  show(LibraryPage, "/videos");
  const apart = await screen.findByRole("region", { name: /before you signed in/ });
  expect(within(apart).getAllByRole("listitem")).toHaveLength(1);
  expect(within(apart).getByRole("link", { name: "Of the guest" })).toBeVisible();
  forgetRecent();
});

test("somebody without videos is told how to begin", async () => {
  signIn();
  serve({ "GET /api/library": [200, page([], 0)] });
  show(LibraryPage, "/videos");
  expect(await screen.findByRole("heading", { name: "No videos yet" })).toBeVisible();
});

test("a failure says so, and can be tried again", async () => {
  signIn();
  let down = true;
  serve({
    "GET /api/library": () =>
      down
        ? refusal(500, "INTERNAL_ERROR", "Internal error")
        : [200, page([video("a", "Apollo 13")])],
  });
  const { person } = show(LibraryPage, "/videos");
  expect(await screen.findByText(/Something went wrong on our side/)).toBeVisible();
  down = false;
  await person.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("Apollo 13")).toBeVisible();
});

test("what is typed is searched for, and a hit leads to its second", async () => {
  signIn();
  serve({ "GET /api/library": [200, page([])], "GET /api/search/all": [200, found] });
  const { person, router } = show(LibraryPage, "/videos");
  await person.type(screen.getByRole("searchbox"), "bang");
  const place = await screen.findByRole("link", { name: /1:15/ });
  expect(place).toHaveAttribute("href", "/videos/W421vNri5hw?t=75");
  expect(within(place).getByText("bang").tagName).toBe("MARK");
  expect(router.state.location.search).toBe("?q=bang");
});

test("only a settled search is sent", async () => {
  signIn();
  const asked = serve({ "GET /api/library": [200, page([])], "GET /api/search/all": [200, found] });
  const { person } = show(LibraryPage, "/videos");
  await person.type(screen.getByRole("searchbox"), "bang");
  await screen.findByText("Found in 1 video");
  const queries = asked.filter(({ url }) => url.pathname === "/api/search/all");
  expect(queries.map(({ url }) => url.searchParams.get("q"))).toEqual(["bang"]);
});

test("a link opens the video, and what is none says so where it was typed", async () => {
  signIn();
  const asked = serve({ "GET /api/library": [200, page([])], "POST /api/wiz/init": [200, {}] });
  const { person, router } = show(LibraryPage, "/videos");
  const field = screen.getByLabelText("Link to a YouTube video");
  await person.type(field, "hello{Enter}");
  expect(await screen.findByText("That is not a link to a YouTube video.")).toBeVisible();
  await person.clear(field);
  await person.type(field, "https://youtu.be/W421vNri5hw{Enter}");
  await waitFor(() => expect(router.state.location.pathname).toBe("/videos/W421vNri5hw"));
  expect(asked.at(-1)?.body).toEqual({ video_id: "W421vNri5hw" });
});

test("a link into a video opens it where the link begins", async () => {
  signIn();
  serve({ "GET /api/library": [200, page([])], "POST /api/wiz/init": [200, {}] });
  const { person, router } = show(LibraryPage, "/videos");
  const field = await screen.findByLabelText("Link to a YouTube video");
  await person.type(field, "https://www.youtube.com/watch?v=W421vNri5hw&list=PL1&t=1h2m3s{Enter}");
  await waitFor(() => expect(router.state.location.pathname).toBe("/videos/W421vNri5hw"));
  expect(router.state.location.search).toBe("?t=3723");
});

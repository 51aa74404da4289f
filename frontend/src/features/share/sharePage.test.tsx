import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { show } from "@/lib/testing/render";
import { serve } from "@/lib/testing/server";
import { SharePage } from "./SharePage";

test("a shared link opens the video where the link begins", async () => {
  const asked = serve({ "POST /api/wiz/init": [200, {}] });
  const text = encodeURIComponent("Look: https://www.youtube.com/watch?v=W421vNri5hw&t=1m30s.");
  const { router } = show(SharePage, `/share?title=Apollo&text=${text}`);
  await waitFor(() => expect(router.state.location.pathname).toBe("/videos/W421vNri5hw"));
  expect(router.state.location.search).toBe("?t=90");
  expect(asked.map(({ body }) => body)).toEqual([{ video_id: "W421vNri5hw" }]);
});

test("what is no link to a video says so, and can be pasted", async () => {
  serve({});
  show(SharePage, "/share?text=https%3A%2F%2Fyoutube.com%2Fplaylist%3Flist%3DPL1");
  expect(await screen.findByText(/^That is a playlist\./)).toBeVisible();
  expect(screen.getByLabelText("Link to a YouTube video")).toBeVisible();
});

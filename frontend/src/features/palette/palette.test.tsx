import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { show, signIn } from "@/lib/testing/render";
import { serve } from "@/lib/testing/server";
import { Palette } from "./Palette";

function Page() {
  return <Palette onClose={() => undefined} />;
}

test("the arrows choose, Enter goes there", async () => {
  signIn();
  serve({});
  const { person, router } = show(Page, "/somewhere");
  await person.click(screen.getByRole("combobox"));
  await person.keyboard("{ArrowDown}");
  expect(screen.getByRole("option", { name: "Profile" })).toHaveAttribute("aria-selected", "true");
  await person.keyboard("{Enter}");
  expect(router.state.location.pathname).toBe("/profile");
});

test("words that are no command are searched for", async () => {
  signIn();
  serve({});
  const { person, router } = show(Page, "/somewhere");
  await person.type(screen.getByRole("combobox"), "oxygen tank{Enter}");
  expect(router.state.location.search).toBe("?q=oxygen%20tank");
});

test("a command that matches comes before searching for its letters", async () => {
  signIn();
  serve({});
  const { person } = show(Page, "/somewhere");
  await person.type(screen.getByRole("combobox"), "theme da");
  expect(screen.getAllByRole("option").map((option) => option.textContent)).toEqual([
    "Theme: dark",
    "Search for “theme da”",
  ]);
});

test("a link is opened", async () => {
  serve({});
  const { person } = show(Page, "/somewhere");
  await person.type(screen.getByRole("combobox"), "https://youtu.be/W421vNri5hw");
  expect(screen.getAllByRole("option")[0]).toHaveAccessibleName("Open this video");
});

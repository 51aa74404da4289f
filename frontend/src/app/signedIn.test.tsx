import { QueryClient } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { expect, test } from "vitest";
import { session } from "@/lib/auth/credentials";
import { leave } from "@/lib/auth/leave";
import { signIn } from "@/lib/testing/render";
import { SignedIn } from "./SignedIn";

function atProfile() {
  const routes = [
    { Component: SignedIn, children: [{ path: "/profile", element: <p>profile</p> }] },
    { path: "*", element: <p>elsewhere</p> },
  ];
  const router = createMemoryRouter(routes, { initialEntries: ["/profile?tab=token"] });
  render(<RouterProvider router={router} />);
  return () => router.state.location.pathname + router.state.location.search;
}

test("a session that runs out leads to the login, and back to where it was", async () => {
  const token = signIn();
  const address = atProfile();
  act(() => session.expire(token));
  await screen.findByText("elsewhere");
  expect(address()).toBe("/login?next=%2Fprofile%3Ftab%3Dtoken");
});

test("who signs out comes to the start, not to a login", async () => {
  signIn();
  const address = atProfile();
  act(() => leave(new QueryClient()));
  await screen.findByText("elsewhere");
  expect(address()).toBe("/");
});

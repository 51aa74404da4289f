/** Shows a page at an address, with a cache and a router of its own. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ComponentType } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { session } from "@/lib/auth/credentials";

/** The page is shown at ``path``; every other address shows its own name. Gives the person's hands. */
export function show(Page: ComponentType, at: string, path = at.replace(/\?.*/, "")) {
  const router = createMemoryRouter(
    [
      { path, Component: Page },
      { path: "*", Component: Elsewhere },
    ],
    { initialEntries: [at] },
  );
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return { person: userEvent.setup(), router };
}

function Elsewhere() {
  return <p>elsewhere</p>;
}

/** A session of Ada for an hour; gives its token. */
export function signIn(email = "ada@example.org"): string {
  const claims = { email, name: "Ada", exp: Date.now() / 1000 + 3600 };
  const token = `e30.${btoa(JSON.stringify(claims))}.sig`;
  session.open(token);
  return token;
}

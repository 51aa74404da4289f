import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { session } from "@/lib/auth/credentials";
import { show, signIn } from "@/lib/testing/render";
import { refusal, serve } from "@/lib/testing/server";
import { ProfilePage } from "./ProfilePage";
import { snippetsFor } from "./snippets";

const profile = {
  id: 1,
  email: "ada@example.org",
  name: "Ada",
  profile_image_url: null,
  ai_notes_enabled: false,
  token_exists: false,
  long_term_token: null,
  created_at: "2026-11-24T12:00:00Z",
};

test("the switch shows its new state at once, and falls back when it is refused", async () => {
  signIn();
  let refuse: () => void = () => undefined;
  const refused = new Promise<void>((resolve) => (refuse = resolve));
  serve({ "GET /api/user/profile": [200, profile] });
  const fetchProfile = globalThis.fetch;
  globalThis.fetch = async (path, init) => {
    if (init?.method === "PATCH") await refused;
    return fetchProfile(path, init);
  };
  const { person } = show(ProfilePage, "/profile");
  const control = await screen.findByRole("switch", { name: "Let AI write my empty notes" });
  await person.click(control);
  expect(control).toBeChecked();
  refuse();
  await waitFor(() => expect(control).not.toBeChecked());
});

test("a name that is too short stays typed beside what is wrong with it", async () => {
  signIn();
  const details = [
    { field: "name", message: "Value error, Name must be at least 2 characters long" },
  ];
  serve({
    "GET /api/user/profile": [200, profile],
    "PATCH /api/user/profile": refusal(
      422,
      "VALIDATION_ERROR",
      "Request validation failed",
      details,
    ),
  });
  const { person } = show(ProfilePage, "/profile");
  const field = await screen.findByLabelText("Name");
  await person.clear(field);
  await person.type(field, "A");
  await person.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(field).toHaveAccessibleDescription("Name must be at least 2 characters long."),
  );
  expect(field).toHaveValue("A");
});

test("a token that was made can be copied, and is not shown whole", async () => {
  signIn();
  let made = false;
  const long_term_token = "eyJhbGciOiJIUzI1NiJ9.secret.signature";
  serve({
    "GET /api/user/profile": () =>
      made ? [200, { ...profile, token_exists: true, long_term_token }] : [200, profile],
    "POST /api/user/token": () => {
      made = true;
      return [200, { message: "made", token: long_term_token }];
    },
  });
  const { person } = show(ProfilePage, "/profile");
  await person.click(await screen.findByRole("button", { name: "Create an API key" }));
  await person.click(await screen.findByRole("button", { name: "Copy API key" }));
  expect(await navigator.clipboard.readText()).toBe(long_term_token);
  expect(document.body).not.toHaveTextContent("secret");
});

test("a wrong password does not delete the account, the right one ends the session", async () => {
  const token = signIn();
  serve({
    "GET /api/user/profile": [200, profile],
    "DELETE /api/user": ({ body, headers }) =>
      (body as { password: string }).password === "right" &&
      headers.get("Authorization") === `Bearer ${token}`
        ? [200, { message: "Account erased" }]
        : refusal(403, "FORBIDDEN", "Wrong password"),
  });
  const { person, router } = show(ProfilePage, "/profile");
  await person.click(await screen.findByRole("button", { name: "Delete my account" }));
  const password = screen.getByLabelText("Password");
  await person.type(password, "wrong{Enter}");
  await waitFor(() => expect(password).toHaveAccessibleDescription("Wrong password."));
  expect(session.read()).not.toBeNull();
  await person.clear(password);
  await person.type(password, "right{Enter}");
  await waitFor(() => expect(router.state.location.pathname).toBe("/"));
  expect(session.read()).toBeNull();
});

test("every device's snippet has the address and the token", () => {
  for (const { code } of Object.values(snippetsFor("https://vid.example/api", "TOKEN"))) {
    expect(code).toContain("https://vid.example/api/notes");
    expect(code).toContain("Bearer TOKEN");
  }
});

test("another password replaces the session, and a wrong old one is said beside its field", async () => {
  signIn();
  const before = session.read();
  serve({
    "GET /api/user/profile": [200, profile],
    "POST /api/user/password": refusal(
      403,
      "FORBIDDEN",
      "That is not the password of this account",
    ),
  });
  const { person } = show(ProfilePage, "/profile");
  const old = await screen.findByLabelText("Current password");
  await person.type(old, "wrong horse");
  await person.type(screen.getByLabelText("New password"), "battery staple");
  await person.click(screen.getByRole("button", { name: "Change password" }));
  await waitFor(() => expect(old).toHaveAccessibleDescription(/not the password/));
  expect(session.read()).toBe(before);
});

test("signing out everywhere asks first and ends this session too", async () => {
  signIn();
  serve({
    "GET /api/user/profile": [200, profile],
    "POST /api/user/logout": [200, { message: "Signed out everywhere" }],
  });
  const { person } = show(ProfilePage, "/profile");
  await person.click(await screen.findByRole("button", { name: "Sign out everywhere" }));
  await person.click(screen.getByRole("button", { name: "Sign out" }));
  await waitFor(() => expect(session.read()).toBeNull());
});

import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { session } from "@/lib/auth/credentials";
import { readDraft } from "@/lib/drafts";
import { show } from "@/lib/testing/render";
import { refusal, serve } from "@/lib/testing/server";
import { LoginPage } from "./LoginPage";
import { SignupPage } from "./SignupPage";

const token = `e30.${btoa(JSON.stringify({ email: "ada@example.org", name: "Ada", exp: 9e9 }))}.sig`;

test("who signs up is signed in, and comes to the page that was asked for", async () => {
  const asked = serve({
    "POST /api/user/signup": [201, { message: "User created successfully" }],
    "POST /api/user/login": [200, { token }],
  });
  const { person, router } = show(SignupPage, "/signup?next=/videos/W421vNri5hw");
  await person.type(screen.getByLabelText("Name"), "Ada");
  await person.type(screen.getByLabelText("E-mail"), "ada@example.org");
  await person.type(screen.getByLabelText("Password"), "a long secret");
  await person.click(screen.getByRole("button", { name: "Sign up" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/videos/W421vNri5hw"));
  expect(session.read()?.name).toBe("Ada");
  const signup = asked.find(({ url }) => url.pathname === "/api/user/signup");
  expect(signup?.body).toEqual({
    name: "Ada",
    email: "ada@example.org",
    password: "a long secret",
  });
});

test("each field says what is wrong with it", async () => {
  const details = [
    { field: "email", message: "Value error, Invalid email format", type: "value_error" },
  ];
  serve({
    "POST /api/user/signup": refusal(422, "VALIDATION_ERROR", "Request validation failed", details),
  });
  const { person } = show(SignupPage, "/signup");
  await person.click(screen.getByRole("button", { name: "Sign up" }));
  await waitFor(() =>
    expect(screen.getByLabelText("E-mail")).toHaveAccessibleDescription("Invalid email format."),
  );
  expect(screen.getByLabelText("E-mail")).toBeInvalid();
});

test("a wrong password is a sentence, and the address stays typed, also over a reload", async () => {
  serve({ "POST /api/user/login": refusal(401, "UNAUTHORIZED", "Invalid email or password") });
  const { person } = show(LoginPage, "/login");
  await person.type(screen.getByLabelText("E-mail"), "ada@example.org");
  await person.type(screen.getByLabelText("Password"), "wrong");
  await person.click(screen.getByRole("button", { name: "Log in" }));
  expect(await screen.findByText("Invalid email or password.")).toBeVisible();
  expect(screen.getByLabelText("E-mail")).toHaveValue("ada@example.org");
  expect(readDraft("account.email")).toBe("ada@example.org");
});

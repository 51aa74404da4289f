/** Log in with an e-mail address and a password, or with Google. */

import { Button } from "@/components/Button";
import { Field } from "@/components/Field";
import { Notice } from "@/components/States";
import { ApiError, messageOf } from "@/lib/api/errors";
import { session } from "@/lib/auth/credentials";
import { useDraft } from "@/lib/drafts";
import { useTitle } from "@/lib/title";
import { AccountPage } from "./AccountPage";
import { textOf } from "./form";
import { useSignIn } from "./useSignIn";

const OTHER = { question: "New here?", to: "/signup", label: "Sign up" } as const;

export function LoginPage() {
  useTitle("Log in");
  return (
    <AccountPage title="Welcome back" lead="Your notes are where you left them." other={OTHER}>
      {session.ranOut() && <Notice>Your session has ended. What you typed is kept.</Notice>}
      <LoginForm />
    </AccountPage>
  );
}

function LoginForm() {
  const login = useSignIn("login");
  const [email, setEmail] = useDraft("account.email");
  const fields = login.error instanceof ApiError ? login.error.fields : {};
  const submit = (form: FormData) => login.mutate({ email, password: textOf(form, "password") });
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit(new FormData(event.currentTarget));
      }}
    >
      <Field
        label="E-mail"
        name="email"
        type="email"
        autoComplete="username"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        error={fields.email}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        error={fields.password}
      />
      {login.isError && !Object.keys(fields).length && (
        <Notice tone="danger">{messageOf(login.error)}</Notice>
      )}
      <Button type="submit" look="primary" busy={login.isPending}>
        Log in
      </Button>
    </form>
  );
}

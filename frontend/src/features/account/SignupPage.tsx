/** Open an account. */

import { Button } from "@/components/Button";
import { Field } from "@/components/Field";
import { Notice } from "@/components/States";
import { ApiError, messageOf } from "@/lib/api/errors";
import { useDraft } from "@/lib/drafts";
import { useTitle } from "@/lib/title";
import { AccountPage } from "./AccountPage";
import { textOf } from "./form";
import { useSignUpClosed } from "./useSignUpClosed";
import { useSignIn } from "./useSignIn";

const OTHER = { question: "Have an account?", to: "/login", label: "Log in" } as const;

const CLOSED = "Sign-up is closed on this server. Ask its operator for an account.";

export function SignupPage() {
  useTitle("Sign up");
  const closed = useSignUpClosed();
  return (
    <AccountPage
      title="Make it yours"
      lead="An account keeps your notes, everywhere you watch."
      other={OTHER}
    >
      {closed ? <Notice>{CLOSED}</Notice> : <SignupForm />}
    </AccountPage>
  );
}

function SignupForm() {
  const signup = useSignIn("signup");
  const [email, setEmail] = useDraft("account.email");
  const [name, setName] = useDraft("account.name");
  const fields = signup.error instanceof ApiError ? signup.error.fields : {};
  const submit = (form: FormData) =>
    signup.mutate({ email, name, password: textOf(form, "password") });
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
        label="Name"
        name="name"
        autoComplete="name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={fields.name}
      />
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
        autoComplete="new-password"
        hint="At least 7 characters."
        error={fields.password}
      />
      {signup.isError && !Object.keys(fields).length && (
        <Notice tone="danger">{messageOf(signup.error)}</Notice>
      )}
      <Button type="submit" look="primary" busy={signup.isPending}>
        Sign up
      </Button>
    </form>
  );
}

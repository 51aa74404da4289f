/** The frame of the log-in and sign-up pages. */

import type { ReactNode } from "react";
import { Link, Navigate, useSearchParams } from "react-router";
import { Card } from "@/components/Card";
import { GoogleButton } from "@/components/GoogleButton";
import { messageOf } from "@/lib/api/errors";
import { useSession } from "@/lib/auth/useSession";
import { nextOf } from "./next";
import { useSignUpClosed } from "./useSignUpClosed";
import { useSignIn } from "./useSignIn";

export function AccountPage({
  title,
  lead,
  children,
  other,
}: {
  title: string;
  lead: ReactNode;
  /** The form. */
  children: ReactNode;
  /** The way to the other page. */
  other: { question: string; to: "/login" | "/signup"; label: string };
}) {
  const [search] = useSearchParams();
  const google = useSignIn("google");
  const hidden = useSignUpClosed() && other.to === "/signup";
  if (useSession()) return <Navigate to={nextOf(search)} replace />;
  const query = search.size ? `?${search}` : "";
  return (
    <div className="mx-auto grid max-w-md gap-6 sm:py-8">
      <header className="grid gap-1 text-center">
        <h1 className="text-2xl">{title}</h1>
        <p className="text-soft">{lead}</p>
      </header>
      <Card className="grid gap-5">
        {children}
        <GoogleButton onCredential={(credential) => google.mutate({ credential })} />
        {google.isError && (
          <p role="alert" className="text-center text-sm text-danger">
            {messageOf(google.error)}
          </p>
        )}
      </Card>
      {!hidden && (
        <p className="text-center text-sm text-soft">
          {other.question}{" "}
          <Link
            to={other.to + query}
            className="font-medium text-accent underline underline-offset-4"
          >
            {other.label}
          </Link>
        </p>
      )}
    </div>
  );
}

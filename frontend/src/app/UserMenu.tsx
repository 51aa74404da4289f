/** The person's menu, or the ways in for a guest. */

import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { ButtonLink } from "@/components/Button";
import { Menu } from "@/components/Menu";
import type { Session } from "@/lib/auth/claims";
import { leave } from "@/lib/auth/leave";
import { useSession } from "@/lib/auth/useSession";

export function UserMenu() {
  const session = useSession();
  return session ? <Person session={session} /> : <Doors />;
}

function Doors() {
  return (
    <div className="flex items-center gap-1">
      <ButtonLink to="/login" look="quiet" size="sm" className="max-sm:px-2">
        Log in
      </ButtonLink>
      <ButtonLink to="/signup" look="primary" size="sm">
        Sign up
      </ButtonLink>
    </div>
  );
}

function Person({ session }: { session: Session }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const signOut = () => {
    leave(queries);
    void navigate("/");
  };
  return (
    <Menu
      label={`Account of ${session.name}`}
      className="p-1"
      items={[
        { label: "Profile", icon: "user", onSelect: () => void navigate("/profile") },
        { label: "Help", icon: "help", onSelect: () => void navigate("/help") },
        { label: "Sign out", icon: "signOut", onSelect: signOut },
      ]}
    >
      <Avatar {...session} />
    </Menu>
  );
}

function Avatar({ name, picture }: Session) {
  const look = "size-9 rounded-full bg-accent-tint text-accent-strong";
  if (picture) return <img src={picture} alt="" className={look} referrerPolicy="no-referrer" />;
  return (
    <span className={`${look} grid place-items-center font-semibold uppercase`}>
      {name.charAt(0)}
    </span>
  );
}

/** The admin pages: who has the admin token reads the whole history. */

import { useState } from "react";
import { NavLink, Outlet } from "react-router";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Field } from "@/components/Field";
import { admin } from "@/lib/auth/credentials";
import { useAdminToken } from "@/lib/auth/useSession";
import { useTitle } from "@/lib/title";

export function AuditPage() {
  useTitle("Admin");
  return useAdminToken() ? <Pages /> : <Gate />;
}

function Gate() {
  const [token, setToken] = useState("");
  return (
    <Card className="mx-auto grid max-w-md gap-4">
      <h1 className="text-xl">Admin</h1>
      <p className="text-soft">
        For those who run this service: the event history, captions to share, and the service’s
        health. The token is forgotten when you close the tab.
      </p>
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          admin.open(token.trim());
        }}
      >
        <Field
          label="Admin token"
          type="password"
          autoComplete="off"
          value={token}
          onChange={(event) => setToken(event.target.value)}
          error={admin.wasRefused() && !token ? "That is not the admin token." : null}
        />
        <Button type="submit" look="primary" disabled={!token.trim()}>
          Sign in
        </Button>
      </form>
    </Card>
  );
}

function Pages() {
  return (
    <div className="grid gap-6">
      <div className="grid grid-cols-[1fr_auto] items-center gap-2">
        <h1 className="text-2xl">Admin</h1>
        <Button size="sm" icon="signOut" onClick={() => admin.close()}>
          Sign out
        </Button>
        <nav aria-label="Admin" className="col-span-2 flex flex-wrap gap-1">
          <Place to="/admin">Events</Place>
          <Place to="/admin/captions">Uploaded captions</Place>
          <Place to="/admin/health">Health</Place>
        </nav>
      </div>
      <Outlet />
    </div>
  );
}

function Place({ to, children }: { to: string; children: string }) {
  return (
    <NavLink
      to={to}
      end
      className="rounded-md px-3 py-2 text-sm font-medium text-soft hover:bg-sunken aria-[current=page]:bg-accent-tint aria-[current=page]:text-accent-strong"
    >
      {children}
    </NavLink>
  );
}

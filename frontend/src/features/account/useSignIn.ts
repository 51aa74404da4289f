/** The ways in; each ends with a session. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { send } from "@/lib/api/client";
import { session } from "@/lib/auth/credentials";

export interface Entry {
  login: { email: string; password: string };
  signup: { email: string; password: string; name: string };
  google: { credential: string };
}

const TOKENS: { [Way in keyof Entry]: (entry: Entry[Way]) => Promise<{ token: string }> } = {
  login: (body) => send("post", "/api/user/login", { body }),
  google: (body) => send("post", "/api/user/google/login", { body }),
  signup: async (body) => {
    await send("post", "/api/user/signup", { body });
    return send("post", "/api/user/login", {
      body: { email: body.email, password: body.password },
    });
  },
};

export function useSignIn<Way extends keyof Entry>(way: Way) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (entry: Entry[Way]) => TOKENS[way](entry),
    onSuccess: ({ token }) => {
      queries.clear(); // what a guest was told, such as a spent quota, is not the person's
      session.open(token);
    },
  });
}

/** What a JWT says, unverified: the server alone decides whether it is good. */

export interface Session {
  token: string;
  email: string;
  name: string;
  picture: string | null;
  /** Milliseconds since 1970. */
  expires: number;
}

/** The session that a token opens; null for what is no token. One without ``exp`` has expired. */
export function sessionOf(token: string): Session | null {
  try {
    const claims = JSON.parse(decoded(token.split(".")[1] ?? "")) as Record<string, unknown>;
    return {
      token,
      email: String(claims.email),
      name: String(claims.name),
      picture: typeof claims.profile_image_url === "string" ? claims.profile_image_url : null,
      expires: typeof claims.exp === "number" ? claims.exp * 1000 : 0,
    };
  } catch {
    return null;
  }
}

function decoded(base64url: string): string {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
}

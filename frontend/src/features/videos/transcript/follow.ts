/** Whether the transcript follows the player: it does, until the person scrolls away. Pure. */

export type FollowEvent =
  | { kind: "scrolled by hand" }
  | { kind: "follow" }
  /** A line was clicked: the player is where the person looks. */
  | { kind: "jumped" }
  | { kind: "searched" };

export function following(_before: boolean, event: FollowEvent): boolean {
  return event.kind === "follow" || event.kind === "jumped";
}

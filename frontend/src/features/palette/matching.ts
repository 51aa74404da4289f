/** Which commands a few typed letters mean. */

import { folded } from "@/lib/folding";

/** Commands whose words begin with what was typed, in the given order; all for an empty text. */
export function matching<Command extends { label: string }>(
  commands: Command[],
  typed: string,
): Command[] {
  const wanted = words(typed);
  return commands.filter(({ label }) => {
    const has = words(label);
    return wanted.every((word) => has.some((one) => one.startsWith(word)));
  });
}

function words(text: string): string[] {
  return folded(text).text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

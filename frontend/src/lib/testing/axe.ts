/** What axe finds wrong on the page; colours and glyphs are seen in a real browser only. */

import axe from "axe-core";

export async function problems(): Promise<string[]> {
  const rules = {
    "color-contrast": { enabled: false },
    "label-content-name-mismatch": { enabled: false },
    region: { enabled: false },
  };
  const { violations } = await axe.run(document.body, { rules });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

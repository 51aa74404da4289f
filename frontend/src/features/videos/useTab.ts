/** Which panel is shown; part of the address. */

import { useSearchParams } from "react-router";

export const TABS = ["notes", "transcript", "wiz", "about"] as const;
export type TabId = (typeof TABS)[number];

export function useTab(): [TabId, (tab: TabId) => void] {
  const [address, change] = useSearchParams();
  const tab = TABS.find((one) => one === address.get("tab")) ?? "notes";
  const choose = (next: TabId) =>
    change(
      (before) => {
        if (next === "notes") before.delete("tab");
        else before.set("tab", next);
        return before;
      },
      { replace: true, preventScrollReset: true },
    );
  return [tab, choose];
}

/** Chooses light, dark or the system's theme. */

import { Icon } from "@/components/Icon";
import { Menu } from "@/components/Menu";
import { chooseTheme, type Theme, useTheme } from "@/lib/theme";

const THEMES: { theme: Theme; label: string; icon: "sun" | "moon" | "system" }[] = [
  { theme: "light", label: "Light", icon: "sun" },
  { theme: "dark", label: "Dark", icon: "moon" },
  { theme: "system", label: "As the system", icon: "system" },
];

export function ThemeToggle() {
  const chosen = useTheme();
  const items = THEMES.map(({ theme, label, icon }) => ({
    label,
    icon,
    checked: theme === chosen,
    onSelect: () => chooseTheme(theme),
  }));
  return (
    <Menu
      label="Theme"
      items={items}
      className="size-11 justify-center text-lg text-soft sm:size-9"
    >
      <Icon name={THEMES.find(({ theme }) => theme === chosen)?.icon ?? "system"} />
    </Menu>
  );
}

/** Lint rules, among them which room may import which. */

import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

function forbid(files, message, ...group) {
  return {
    files,
    rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] },
  };
}

export default tseslint.config(
  { ignores: ["dist", "src/lib/api/schema.d.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [
      ...tseslint.configs.strictTypeChecked,
      reactHooks.configs.flat.recommended,
      jsxA11y.flatConfigs.strict,
    ],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "no-restricted-globals": ["error", { name: "fetch", message: "Only lib/api calls fetch." }],
      // `onClick={() => setOpen(true)}` says enough.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Event handlers may be async: what they await reports its own failure.
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { attributes: false } },
      ],
    },
  },
  { files: ["src/lib/api/**"], rules: { "no-restricted-globals": "off" } },
  {
    files: ["public/**", "scripts/**"],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
  },
  forbid(
    ["src/features/*/*.{ts,tsx}"],
    "Features never import each other: share it in components or lib, or compose in app.",
    "@/features/*",
    "@/app/*",
    "../*",
  ),
  forbid(
    ["src/features/*/*/*.{ts,tsx}"],
    "Features never import each other: share it in components or lib, or compose in app.",
    "@/features/*",
    "@/app/*",
    "../../*",
  ),
  forbid(["src/components/**"], "Components know no feature.", "@/features/*", "@/app/*"),
  forbid(["src/lib/**"], "lib has no pages.", "@/features/*", "@/app/*", "@/components/*"),
);

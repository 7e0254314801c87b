import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const clock = "src/clock.ts is the one module that reads the clock; take a Clock instead";
const banned = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: clock },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clock },
  { selector: "CallExpression[callee.name='Date']", message: clock },
  { selector: "MemberExpression[object.name='performance'][property.name='now']", message: clock },
];

export default tseslint.config(
  { ignores: ["dist", "demo/dist", "*.config.js", "scripts"] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: ["./tsconfig.json", "./test/browser/tsconfig.json"], tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-console": "error",
      "no-restricted-syntax": ["error", ...banned],
      "no-restricted-globals": ["error", { name: "setTimeout", message: clock }, { name: "setInterval", message: clock }],
      "max-lines": ["error", 300],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Objects here are closures: none of their methods uses `this`.
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-invalid-void-type": ["error", { allowInGenericTypeArguments: true }],
    },
  },
  { files: ["src/react/**", "test/react/**"], extends: [reactHooks.configs.flat.recommended, jsxA11y.flatConfigs.strict] },
  {
    // In a real browser the clock that passes is the real one.
    files: ["src/clock.ts", "src/timer-worker.ts", "test/browser/**"],
    rules: { "no-restricted-syntax": "off", "no-restricted-globals": "off" },
  },
);

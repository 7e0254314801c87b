import { configDefaults, defineConfig } from "vitest/config";

// The browser's tests need a stack and a browser: vitest.browser.config.ts.
export default defineConfig({ test: { exclude: [...configDefaults.exclude, "test/browser/**"] } });

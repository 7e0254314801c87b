import { configDefaults, defineConfig } from "vitest/config";

// Days of fake time are seconds of work; a busy machine must not fail them. The browser's tests need a stack and a
// browser: vitest.browser.config.js.
export default defineConfig({
  test: { testTimeout: 60_000, exclude: [...configDefaults.exclude, "test/browser/**"] },
});

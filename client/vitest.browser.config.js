import { defineConfig } from "vitest/config";

// One file at a time: a browser and a stack take a machine of two cores.
export default defineConfig({
  test: { include: ["test/browser/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});

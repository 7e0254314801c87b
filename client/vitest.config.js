import { defineConfig } from "vitest/config";

// Days of fake time are seconds of work; a busy machine must not fail them.
export default defineConfig({ test: { testTimeout: 60_000, include: ["src/**/*.test.ts", "test/**/*.test.ts"] } });

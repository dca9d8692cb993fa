import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    setupFiles: ["test/unit/chrome.ts"],
    environment: "node",
    testTimeout: 20_000,
  },
});

// The programs of extension/test/e2e that are tests: each drives a real browser, and writes a report of its own.
// `make e2e` runs them all, `make test` too, each as a stage.

/** SUITES are what a person calls each, and its program with its arguments. */
export const SUITES = [
  ["Chromium", ["e2e"]],
  ["Firefox", ["e2e-firefox"]],
  ["what can go wrong in Chromium", ["robust", "chromium"]],
  ["what can go wrong in Firefox", ["robust", "firefox"]],
  ["nothing leaves Chromium", ["quiet", "chromium"]],
  ["nothing leaves Firefox", ["quiet", "firefox"]],
  ["threats in Chromium", ["threats", "chromium"]],
  ["threats in Firefox", ["threats", "firefox"]],
  ["old buttons in Chromium", ["replace"]],
  ["an author's button, in both", ["author"]],
  ["an author's story, in Chromium", ["author-story"]],
  ["a reader's story, in Chromium", ["reader-story"]],
  ["accessibility", ["access"]],
  ["passkeys in Chromium", ["passkey"]],
];

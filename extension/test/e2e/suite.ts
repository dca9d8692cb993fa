// A small runner for tests that build on each other in one browser.
import { rmSync, writeFileSync } from "node:fs";

export class Suite {
  private passed = 0;
  private readonly failures: string[] = [];
  private readonly skipped: { name: string; reason: string }[] = [];

  constructor(private readonly onFailure: (name: string) => Promise<void>) {}

  /** test runs one check; a failure is printed and the next one runs all the same. */
  async test(name: string, check: () => Promise<void>): Promise<void> {
    const start = performance.now();
    try {
      await check();
      this.passed++;
      console.log(`ok     ${seconds(start)} s  ${name}`);
    } catch (error) {
      this.failures.push(name);
      console.log(
        `FAILED ${seconds(start)} s  ${name}\n${error instanceof Error ? error.stack : String(error)}`,
      );
      await this.onFailure(name).catch(() => {});
    }
  }

  skip(name: string, reason: string): void {
    this.skipped.push({ name, reason });
    console.log(`skipped  ${name}: ${reason}`);
  }

  get failed(): boolean {
    return this.failures.length > 0;
  }

  /** close prints the counts, and writes them for the runner of all checks. */
  close(): void {
    const report = process.env["FLATTR_E2E_REPORT"];
    const counts = { passed: this.passed, failed: this.failures.length, skipped: this.skipped };
    if (report) writeFileSync(report, JSON.stringify(counts));
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped`);
  }

  /** leave makes the verdict the program's exit code, and removes its folder unless something failed in it. */
  leave(folder: string): void {
    if (this.failed) console.log(`what is left to look at: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
    process.exitCode = this.failed ? 1 : 0;
  }
}

function seconds(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1).padStart(5);
}

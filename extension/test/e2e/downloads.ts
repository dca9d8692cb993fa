// What a person gets who clicks a link to a file: the browser's own download, read from the disk.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { until } from "./programs.js";

/** download clicks a link and gives the bytes of the file that the browser has written, and what it called it. */
export async function download(
  page: Page,
  selector: string,
  folder: string,
): Promise<{ name: string; bytes: Buffer }> {
  const session = await page.browser().target().createCDPSession();
  const { id: browserContextId } = page.browserContext();
  const before = list(folder);
  try {
    await session.send("Browser.setDownloadBehavior", {
      behavior: "allow",
      ...(browserContextId === undefined ? {} : { browserContextId }),
      downloadPath: folder,
    });
    await page.bringToFront();
    await page.click(selector);
    const fresh = () => list(folder).find((name) => !before.includes(name) && !unfinished.test(name));
    await until(`the download of ${selector}`, () => fresh() !== undefined);
    const name = fresh() ?? "";
    return { name, bytes: readFileSync(path.join(folder, name)) };
  } finally {
    await session.detach();
  }
}

/** unfinished is how Chromium calls a file that it is still writing. */
const unfinished = /\.crdownload$|^\.(com|org)\./;

function list(folder: string): string[] {
  return readdirSync(folder);
}

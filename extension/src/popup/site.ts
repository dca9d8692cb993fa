// The switch of one site: whether buttons on it are made to work again and take clicks.
import { isFlattrPage } from "../detect/hosts";
import { byID } from "../page";
import { readSettings, type Settings, siteOf, switchSite } from "../settings";
import { text } from "../words";

/** startSite shows the switch for a page on the web, but not on Flattr's own pages, where nothing is touched. */
export async function startSite(
  address: string | undefined,
  ledgerHost: string | undefined,
  failed: () => void,
): Promise<void> {
  const site = address === undefined ? undefined : siteOf(address);
  if (site === undefined || isFlattrPage(new URL(`https://${site}/`), ledgerHost)) return;
  const control = byID<HTMLInputElement>("site-on");
  control.addEventListener("change", () => {
    void switchSite(site, control.checked).catch(() => {
      control.checked = !control.checked;
      failed();
    });
  });
  byID("site-words").textContent = text("siteOn", site);
  showSite(site, await readSettings());
}

function showSite(site: string, { sitesOff, toolbarOnly }: Settings): void {
  byID("site").hidden = toolbarOnly; // then no site's buttons work, and there is nothing to switch
  byID<HTMLInputElement>("site-on").checked = !sitesOff.includes(site);
}

// The one script of the background and of every page of ours: what they share is shipped once. Each is known by the
// name of its document; the background has none, or one that the browser made.
import { start as startBackground } from "./background/main";
import { start as startOnboard } from "./onboard/main";
import { start as startOptions } from "./options/main";
import { start as startPopup } from "./popup/main";

const life = new AbortController();

switch (location.pathname) {
  case "/popup.html":
    void startPopup(life.signal);
    break;
  case "/options.html":
    startOptions(life.signal);
    break;
  case "/onboard.html":
    startOnboard(life.signal);
    break;
  default:
    startBackground(); // at once: events are lost on a background that listens later
}

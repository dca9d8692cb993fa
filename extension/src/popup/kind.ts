// What a thing was found as, where that is not a button: the reader sees what a click would flattr.
import { text } from "../words";

/** kindWords names the form of what was found; a button needs no words. */
export function kindWords(form: string): string {
  switch (form) {
    case "link-profile":
    case "link-at":
      return text("kindProfile");
    case "link-domain":
      return text("kindDomain");
    case "link-donation":
      return text("kindDonation");
    case "link-monetization":
      return text("kindMonetization");
    case "head-rel-payment":
    case "feed-rel-payment":
      return text("kindPayment");
    case "link-thing":
    case "link-t":
    case "link-submit-auto":
      return text("kindLink");
    default:
      return "";
  }
}

// Frames that show a button: what their address says.
import { isFrameAddress } from "./hosts";
import {
  type Form,
  makePointer,
  type Pointer,
  readAddress,
  readFields,
  readOwner,
  readWebURL,
} from "./pointer";
import { readQuery } from "./query";

/** pointerOfFrame reads the address of a frame; undefined when it shows no button. */
export function pointerOfFrame(
  src: string | null,
  base: string,
  ledgerHost: string | undefined,
  form: Form = "iframe-view",
): Pointer | undefined {
  const address = readAddress(src, base);
  if (address === undefined || !isFrameAddress(address, ledgerHost)) return undefined;
  const query = readQuery(address.search);
  const url = readWebURL(query.get("url"), base);
  if (url === undefined) return undefined;
  return makePointer(form, {
    url,
    owner: readOwner(query.get("owner")) ?? readOwner(query.get("uid")),
    fid: query.get("fid"),
    ...readFields(query),
  });
}

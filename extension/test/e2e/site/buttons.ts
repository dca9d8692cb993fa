// Pages with old buttons in every form that gets a stand-in, and pages that try to steal a click.
import { escapeHTML } from "./site.js";

/** STRICT is the strictest policy a page can have: not even a style of its own. */
export const STRICT = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'none'">`;

/** OLD_FORMS are one button of each form, all of different things below the address, and how large each must be. */
export function oldForms(origin: string): { name: string; html: string; size?: [number, number] }[] {
  const thing = (name: string) => escapeHTML(`${origin}/old/${name}`);
  const query = (name: string) =>
    escapeHTML(new URLSearchParams({ uid: "ann", url: `${origin}/old/${name}` }).toString());
  return [
    {
      name: "text",
      html: `<a class="FlattrButton" href="${thing("text")}" rev="flattr;uid:ann;">Flattr this</a>`,
    },
    {
      name: "hidden",
      html: `<a class="FlattrButton" hidden href="${thing("hidden")}" rel="flattr;uid:ann;">x</a>`,
      size: [55, 62],
    },
    {
      name: "compact",
      html: `<a class="FlattrButton" hidden href="${thing("compact")}" data-flattr-uid="ann" data-flattr-button="compact"></a>`,
      size: [110, 20],
    },
    { name: "bare", html: `<a class="FlattrButton" href="${thing("bare")}">Thank Ann for this</a>` },
    {
      name: "frame",
      html: `<iframe src="http://api.flattr.com/button/view/?${query("frame")}" width="55" height="62" frameborder="0"></iframe>`,
      size: [55, 62],
    },
    {
      name: "compact-frame",
      html: `<iframe class="FlattrButton" src="//button.flattr.com/view/?${query("compact-frame")}&amp;button=compact" width="110" height="20" frameborder="0"></iframe>`,
      size: [110, 20],
    },
    {
      name: "global",
      html: `<script>var flattr_uid = 'ann'; var flattr_url = '${origin}/old/global'; var flattr_btn = 'compact';</script><script src="http://api.flattr.com/button/load.js"></script>`,
      size: [110, 20],
    },
  ];
}

/** column lays buttons out one below the other, with an anchor to find each by. */
export function column(buttons: readonly { name: string; html: string }[]): string {
  return buttons
    .map(({ name, html }) => `<p id="${name}">${escapeHTML(name)}: ${html} and text after it.</p>`)
    .join("\n");
}

/** many is a page of old buttons, as an index of old posts has them. */
export function many(origin: string, count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const url = `${origin}/many/${index}`;
    return `<p>Post ${index}: <a class="FlattrButton" href="${url}" rev="flattr;uid:ann;">Flattr this</a></p>`;
  }).join("\n");
}

// The pages that are measured, on a server of their own on loopback. Each is there twice: below /plain/ the
// extension's script is left out by its own registration, everything else is the same.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** PLAIN is the folder in which no content script runs. */
export const PLAIN = "/plain";

/** Buttons on the pages of old buttons. */
export const OLD_BUTTONS = 50;

/** Buttons on one page that is clicked through: fewer than a tab may click in a burst. */
export const CLICKED_BUTTONS = 15;

export class Ground {
  private readonly server: Server;
  private constructor() {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  static async open(): Promise<Ground> {
    const ground = new Ground();
    await new Promise<void>((resolve, reject) => {
      ground.server.once("error", reject);
      ground.server.listen(0, "127.0.0.1", resolve);
    });
    return ground;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** thing is what the nth button of a page to be clicked is for. */
  thing(page: number, button: number): string {
    return `${this.origin}/posts/${page}-${button}`;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? "/", this.origin);
    const path = pathname.startsWith(`${PLAIN}/`) ? pathname.slice(PLAIN.length) : pathname;
    const html = this.page(path);
    response.writeHead(html === undefined ? 404 : 200, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      // A page of its own process has a clock that is 20 times finer.
      ...(path.startsWith("/nodes/")
        ? { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }
        : {}),
    });
    response.end(html ?? "nothing here");
  }

  private page(path: string): string | undefined {
    const [, kind, value, pointers] = path.split("/");
    const call = `build(${Number(value)}, ${Number(pointers ?? 3)});`;
    // Nothing of it is laid out: a page's own layout of so much would take as long as a hundred scans.
    const script = kind === "storm" ? `${build}\n${storm}` : build;
    if (kind === "nodes" || kind === "storm")
      return frame(`<main hidden></main><script>${script}\n${call}</script>`);
    if (kind === "old") return frame(this.oldButtons());
    if (kind === "click") return frame(this.clickable(Number(value)));
    return kind === "posts" ? frame("<h1>A post</h1>") : undefined;
  }

  /** oldButtons is an index of fifty posts, each with a button as the years have left it: most show dead images. */
  private oldButtons(): string {
    const posts = Array.from({ length: OLD_BUTTONS }, (_, index) => {
      const url = `${this.origin}/posts/old-${index}`;
      return `<article><h2><a href="${url}">Post ${index}</a></h2><p>${"A sentence of the post. ".repeat(40)}</p>
<p><img alt="" width="300" height="200" src="data:image/gif;base64,R0lGODlhAQABAAAAACw="> and <a href="/about">more</a></p>
${oldButton(url, index)}</article>`;
    });
    return `<button id="own" style="position:fixed;top:8px;right:8px">0</button>
<script>own.onclick = () => { own.textContent = Number(own.textContent) + 1; };</script>${posts.join("\n")}`;
  }

  private clickable(page: number): string {
    const buttons = Array.from({ length: CLICKED_BUTTONS }, (_, index) => {
      const url = this.thing(page, index);
      return `<p class="place"><a class="FlattrButton" href="${url}" rev="flattr;uid:${author(page)};">Flattr</a></p>`;
    });
    return `<style>.place { display: inline-block; width: 120px; height: 80px; margin: 4px }
.place > a { display: block; width: 55px; height: 62px; background: #ddd }</style>${buttons.join("\n")}`;
  }
}

/** author is who owns the things of a page to be clicked. */
export function author(page: number): string {
  return `writer${page}`;
}

function oldButton(url: string, index: number): string {
  const dead = '<img alt="Flattr this" src="https://api.flattr.com/button/flattr-badge-large.png">';
  const query = `user_id=somebody&amp;url=${encodeURIComponent(url)}`;
  switch (index % 5) {
    case 0:
      return `<a class="FlattrButton" style="display:none" href="${url}" rev="flattr;uid:somebody;button:compact;"></a>`;
    case 1:
      return `<a class="FlattrButton" href="${url}" data-flattr-uid="somebody"></a>`;
    case 2:
      return `<a href="https://flattr.com/submit/auto?${query}">${dead}</a>`;
    case 3:
      return `<a href="https://flattr.com/thing/${100_000 + index}/a-post">${dead}</a>`;
    default:
      return `<p>If you like it, <a href="https://flattr.com/profile/somebody">flattr me</a>.</p>`;
  }
}

function frame(body: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Measured</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="data:text/css,body%7Bfont:16px/1.4 sans-serif%7D"></head><body>${body}</body></html>`;
}

/**
 * build fills main up to so many elements, as posts of an old blog: one element in five is a link, and some more links
 * lead to Flattr in different forms. Nothing of it loads anything.
 */
const build = `
function post(index) {
  return '<article class="post hentry"><h2><a href="/post/' + index + '">Post ' + index + '</a></h2>' +
    '<p class="by">by <a rel="author" href="/people/someone"><span>someone</span></a> on <time>1 May</time></p>' +
    '<div class="text"><p>Some words, <em>some</em> of them <strong>strong</strong>, and a <a href="https://example.org/a/b?c=d">link</a>.</p>' +
    '<ul><li>one</li><li>two</li><li>three <code>x</code></li></ul><blockquote><p>Somebody said it.</p></blockquote></div>' +
    '<div class="meta"><span class="tags"><a href="/tag/one">one</a><b>,</b></span><span><i></i></span></div></article>';
}
function button(index) {
  var url = location.origin + '/posts/' + index;
  return ['<a class="FlattrButton" href="' + url + '" rev="flattr;uid:somebody;"></a>',
    '<a href="https://flattr.com/submit/auto?user_id=somebody&amp;url=' + encodeURIComponent(url) + '">Flattr</a>',
    '<a href="https://flattr.com/thing/' + (1000 + index) + '/it">Flattr</a>',
    '<a class="FlattrButton" href="' + url + '" data-flattr-uid="somebody"></a>',
    '<a href="https://flattr.com/profile/somebody">me at Flattr</a>'][index % 5];
}
function parse(html) {
  var template = document.createElement('template');
  template.innerHTML = html;
  return template.content;
}
function build(nodes, pointers) {
  var main = document.querySelector('main');
  var section = document.createElement('section');
  for (var index = 0; index < 20; index++) section.append(parse(post(index)));
  var each = section.querySelectorAll('*').length + 1;
  var buttons = parse(Array.from({ length: pointers }, function (_, index) { return button(index); }).join(''));
  main.append(buttons.firstElementChild);
  for (var built = document.querySelectorAll('*').length + pointers - 1; built + each <= nodes; built += each) {
    main.append(section.cloneNode(true));
    if (buttons.firstElementChild) main.lastChild.append(buttons.firstElementChild);
  }
  main.append(buttons);
  for (var left = nodes - document.querySelectorAll('*').length; left > 0; left--) main.append(document.createElement('i'));
}`;

/** storm inserts batches of 250 pieces of four elements, removes a few, and puts a button into each tenth batch. */
const storm = `
function storm(batches, over) {
  var main = document.querySelector('main');
  var piece = parse('<div class="item"><a href="/x"><span>words</span></a><p>more words</p></div>').firstElementChild;
  var batch = 0;
  performance.mark('storm begins');
  (function next() {
    var box = document.createElement('section');
    main.append(box);
    for (var index = 0; index < 250; index++) box.append(piece.cloneNode(true));
    for (var gone = 0; gone < 5; gone++) box.firstChild.remove();
    if (batch % 10 === 0) box.append(parse(button(1000 + batch)));
    if (++batch < batches) setTimeout(next);
    else { performance.mark('storm ends'); over(); }
  })();
}`;

// The sample site: a small web server on loopback with twenty articles, each
// with a Flattr button as old pages carry it. It knows nothing of Flattr's
// programs and sends no script of its own.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ARTICLES, type Article } from "./articles.js";

export class Site {
  readonly articles = ARTICLES;
  // Further pages by path, for tests that need a special one.
  readonly extra = new Map<string, string>();
  // How often each path was asked for.
  private readonly counts = new Map<string, number>();
  private readonly server: Server;
  origin = "";

  constructor() {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  /** listen binds to loopback; port 0 takes a free one; host is what browsers call it. */
  async listen(port = 0, host = "127.0.0.1"): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, "127.0.0.1", resolve);
    });
    this.origin = `http://${host}:${this.port}`;
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** hangUp ends the connections that browsers keep open. */
  hangUp(): void {
    this.server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  urlOf(article: Article): string {
    return `${this.origin}/articles/${article.slug}`;
  }

  /** asked is how often browsers have asked for a page. */
  asked(url: string): number {
    return this.counts.get(new URL(url).pathname) ?? 0;
  }

  /** world is what the operator loads: the authors and their things, verified. */
  world(): string {
    const lines = ARTICLES.flatMap((article) => [
      { type: "member", name: article.author },
      { type: "thing", url: this.urlOf(article), owner: article.author, title: article.title },
    ]);
    return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? "/", "http://site.invalid").pathname;
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
    const html = this.page(path);
    response.writeHead(html === undefined ? 404 : 200, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
    });
    response.end(
      html ?? frame("Not found", `<p>There is nothing here. <a href="/">To the front page</a></p>`),
    );
  }

  private page(path: string): string | undefined {
    const extra = this.extra.get(path);
    if (extra !== undefined) return extra;
    if (path === "/") return this.front();
    const article = ARTICLES.find(({ slug }) => path === `/articles/${slug}`);
    return article && this.article(article);
  }

  private front(): string {
    const entries = ARTICLES.map(
      (article) => `<article>
<h2><a href="/articles/${article.slug}">${escapeHTML(article.title)}</a></h2>
<p class="by">by ${escapeHTML(article.author)}</p>
<p>${escapeHTML(article.text[0])}</p>
${this.button(article)}
</article>`,
    );
    return frame("The Common Reader", `<h1>The Common Reader</h1>\n${entries.join("\n")}`);
  }

  private article(article: Article): string {
    const head =
      article.form === "many"
        ? `<link rel="payment" type="text/html" href="${escapeHTML(this.submitURL(article))}">`
        : "";
    return frame(
      article.title,
      `<p class="by"><a href="/">The Common Reader</a></p>
<article>
<h1>${escapeHTML(article.title)}</h1>
<p class="by">by ${escapeHTML(article.author)}</p>
${article.text.map((text) => `<p>${escapeHTML(text)}</p>`).join("\n")}
${this.button(article)}
</article>`,
      head,
    );
  }

  private submitURL(article: Article): string {
    const query = new URLSearchParams({
      user_id: article.author,
      url: this.urlOf(article),
      title: article.title,
      language: "en_GB",
      tags: article.tags,
      category: "text",
    });
    return `https://flattr.com/submit/auto?${query}`;
  }

  /** button is the thing's button in the form its page carries. */
  private button(article: Article): string {
    const url = escapeHTML(this.urlOf(article));
    const title = escapeHTML(article.title);
    const keys = `uid:${article.author};language:en_GB;category:text;tags:${article.tags};`;
    const anchor = (attributes: string) =>
      `<p><a class="FlattrButton" href="${url}" title="${title}" ${attributes}>Flattr this</a></p>`;
    switch (article.form) {
      case "rev":
        return anchor(`rev="flattr;${keys}"`);
      case "rel":
        return anchor(`rel="flattr;${keys}"`);
      case "data":
        return anchor(
          `data-flattr-uid="${article.author}" data-flattr-category="text" data-flattr-language="en_GB" data-flattr-tags="${article.tags}"`,
        );
      case "submit":
        return `<p><a class="thanks" href="${escapeHTML(this.submitURL(article))}">Flattr this</a></p>`;
      case "many":
        return `${anchor(`rev="flattr;${keys}button:compact;"`)}
<noscript><a href="${escapeHTML(this.submitURL(article))}">Flattr this</a></noscript>`;
    }
  }
}

export function escapeHTML(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const STYLE = `
:root { color-scheme: light; }
body { margin: 0 auto; padding: 32px 24px 64px; max-width: 38rem; background: #fdfcf8; color: #26241f;
  font: 18px/1.6 "DejaVu Serif", Georgia, serif; }
h1 { font-size: 2rem; line-height: 1.2; margin: 16px 0 4px; }
h2 { font-size: 1.3rem; margin: 40px 0 0; }
h1 a, h2 a { color: inherit; text-decoration: none; }
.by { margin: 0 0 16px; color: #6a655a; font-style: italic; }
.by a { color: inherit; }
.FlattrButton, .thanks { display: inline-block; padding: 6px 16px; border: 1px solid #2f7d1f; border-radius: 8px;
  color: #2f7d1f; background: #fff; text-decoration: none; font: 600 15px/1.5 "DejaVu Sans", sans-serif; }
.FlattrButton:hover, .thanks:hover { background: #2f7d1f; color: #fff; }
`;

/** frame is a whole page around a body; title and head are the page's own. */
export function frame(title: string, body: string, head = ""): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHTML(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
${head}
</head>
<body>
${body}
</body>
</html>
`;
}

// The style of the overlay: a constructed sheet, which even the strictest page policy lets through.

/** STYLE carries the same tokens as look.css; a page cannot be asked for a file of ours. */
export const STYLE = `
:host { all: initial !important; position: fixed !important; inset: 0 auto auto 0 !important; width: 0 !important;
  height: 0 !important; z-index: 2147483647 !important; color-scheme: light dark !important; }
[hidden] { display: none !important; }
.line, .mark { --flattr: light-dark(#2f7d1f, #7bc96a); --on-flattr: light-dark(#ffffff, #10240a);
  --paper: light-dark(#ffffff, #1c2320); --ink: light-dark(#22302a, #e6ebe8); --edge: light-dark(#b9c4be, #55615b); }
.line { position: fixed; inset-block-end: 16px; inset-inline-end: 16px; max-width: min(360px, calc(100vw - 32px));
  box-sizing: border-box; display: flex; gap: 12px; align-items: center; padding: 12px 16px; border-radius: 8px;
  border: 1px solid var(--edge); background: var(--paper); color: var(--ink);
  font: 14px/1.4 system-ui, sans-serif; }
.line button { flex: none; min-height: 28px; padding: 4px 12px; border: 1px solid var(--flattr); border-radius: 8px;
  background: none; color: var(--flattr); font: inherit; font-weight: 600; cursor: pointer; }
.line button:hover { background: var(--flattr); color: var(--on-flattr); }
.line button:focus-visible { outline: 2px solid var(--flattr); outline-offset: 2px; }
.mark { position: fixed; inset: 0 auto auto 0; width: 18px; height: 18px; border-radius: 50%; background: var(--flattr);
  border: 1px solid var(--paper); box-sizing: border-box; pointer-events: none; }
.mark svg { display: block; fill: none; stroke: var(--on-flattr); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.mark[data-shape="waiting"] { background: var(--paper); border-color: var(--flattr); }
.mark[data-shape="waiting"] svg { stroke: var(--flattr); }
.mark[data-shape="refused"] { background: var(--ink); }
.mark[data-shape="refused"] svg { stroke: var(--paper); }
@media (forced-colors: active) { .mark { background: Canvas; border-color: CanvasText; } .mark svg { stroke: CanvasText; } }
`;

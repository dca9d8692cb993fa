// The style of a replacement: a constructed sheet, which even the strictest page policy lets through.

/** HOST is the name of the element that stands in for an old button; the next script after an update knows it by it. */
export const HOST = "flattr-button";

/** FACE carries the same tokens as look.css. The layout follows the box, so that every state has the same size. */
export const FACE = `
:host { all: initial !important; color-scheme: inherit !important; visibility: inherit !important; box-sizing: border-box !important;
  contain: layout paint size style !important; overflow: hidden !important; }
button { --flattr: light-dark(#2f7d1f, #7bc96a); --on-flattr: light-dark(#ffffff, #10240a);
  --paper: light-dark(#ffffff, #161c19); --ink: light-dark(#22302a, #e4eae7); --edge: light-dark(#7d8a83, #6b7972);
  appearance: none; display: flex; align-items: center; justify-content: center; gap: 4px; box-sizing: border-box;
  width: 100%; height: 100%; max-width: 220px; max-height: 80px; margin: 0; padding: 1px 4px; overflow: hidden;
  border: 1px solid var(--flattr); border-radius: 6px; background: var(--paper); color: var(--flattr); cursor: pointer;
  font: 600 12px/1.1 system-ui, sans-serif; text-align: center; white-space: nowrap; user-select: none; }
svg { flex: none; width: 14px; height: 14px; max-height: 100%; overflow: visible; }
svg * { fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
svg .letter { fill: currentColor; stroke: none; }
svg .sign { stroke-width: 3; }
span::before { content: attr(data-word); }
button[data-state="flattred"] .heart { fill: var(--on-flattr); }
button[data-state="flattred"] .sign { stroke: var(--flattr); }
button:hover { box-shadow: inset 0 0 0 1px var(--flattr); }
button:focus-visible { outline: 2px solid var(--ink); outline-offset: -3px; }
button[data-state="flattred"] { background: var(--flattr); color: var(--on-flattr); }
button[data-state="flattred"]:focus-visible { outline-color: var(--on-flattr); }
button[data-state="kept"], button[data-state="waiting"] { border-style: dashed; }
button[data-state="no_means"], button[data-state="refused"] { border-color: var(--edge); color: var(--ink); }
[data-fit="mark"] span { display: none; }
[data-fit="low"] { padding-block: 0; border-radius: 4px; font-size: 10px; }
[data-fit="low"] svg { width: 12px; height: 12px; }
[data-fit="tall"] { flex-direction: column; gap: 3px; padding-inline: 1px; white-space: normal;
  font-size: 10px; letter-spacing: -0.02em; }
[data-fit="tall"] svg { width: 26px; height: 26px; } [data-fit="tall"] svg * { stroke-width: 2; }
@media (forced-colors: active) { button[data-state="flattred"] .heart { fill: none; } button[data-state="flattred"] .sign { stroke: currentColor; }
  button[data-state="flattred"] { border-width: 3px; } button:hover { outline: 1px solid; } }
`;

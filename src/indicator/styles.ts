/** How the indicator looks. Everything that a page may want to change is a custom property or a part. */
const STYLES = `
:host {
  --_green: var(--connection-status-green, light-dark(#11713a, #4ade80));
  --_yellow: var(--connection-status-yellow, light-dark(#7f5000, #fbbf24));
  --_blue: var(--connection-status-blue, light-dark(#1d55c4, #7eb1ff));
  --_red: var(--connection-status-red, light-dark(#b3202a, #ff8a8a));
  --_text: var(--connection-status-text, light-dark(#1c2430, #e6eaf0));
  --_muted: var(--connection-status-muted, light-dark(#566070, #a3adba));
  --_surface: var(--connection-status-surface, light-dark(#ffffff, #171d26));
  --_line: var(--connection-status-line, light-dark(#d5dae1, #303a47));
  display: inline-block;
  position: relative;
  font: var(--connection-status-font, 14px/1.4 system-ui, sans-serif);
  color: var(--_text);
}
:host([hidden]), [hidden] { display: none !important; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; }
.badge {
  display: inline-flex; align-items: center; gap: 7px;
  padding: 4px 11px; border: 1px solid currentColor; border-radius: 999px;
  background: color-mix(in srgb, currentColor 11%, var(--_surface));
  color: var(--_color); font-weight: 600; font-size: inherit; font-family: inherit; line-height: inherit;
  cursor: pointer;
}
.badge svg { width: 14px; height: 14px; flex: none; }
.quiet { color: var(--_muted); font-variant-numeric: tabular-nums; }
.quiet:empty { display: none; }
.green { --_color: var(--_green); }
.yellow { --_color: var(--_yellow); }
.blue { --_color: var(--_blue); }
.red { --_color: var(--_red); }
button { font: inherit; }
.action {
  padding: 3px 10px; border: 1px solid var(--_line); border-radius: 6px;
  background: var(--_surface); color: var(--_text); cursor: pointer;
}
button:focus-visible { outline: 2px solid var(--_blue); outline-offset: 2px; }
.hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.details {
  position: absolute; z-index: 10; inset-inline-start: 0; margin-top: 6px; padding: 14px;
  width: min(340px, 90vw); max-height: min(440px, 75vh); overflow: auto; box-sizing: border-box;
  background: var(--_surface); border: 1px solid var(--_line); border-radius: 10px;
  box-shadow: 0 10px 32px rgb(0 0 0 / 22%);
}
dl { margin: 0; display: grid; grid-template-columns: auto 1fr; gap: 6px 14px; }
dt { color: var(--_muted); }
dd { margin: 0; overflow-wrap: anywhere; }
.hint { color: var(--_muted); }
.spark { display: block; width: 100%; height: 34px; margin-top: 4px; color: var(--_blue); }
h2 { font-size: inherit; margin: 12px 0 6px; }
ol { margin: 0; padding: 0; list-style: none; max-height: 150px; overflow: auto; }
li { padding: 2px 0 2px 10px; border-inline-start: 3px solid var(--_color, var(--_line)); }
li + li { margin-top: 3px; }
time { color: var(--_muted); margin-inline-end: 6px; font-variant-numeric: tabular-nums; }
.details .action { margin-top: 12px; }
@media (prefers-reduced-motion: no-preference) {
  .yellow .badge svg { animation: turn 1.2s linear infinite; }
  @keyframes turn { to { transform: rotate(360deg); } }
}
@media (forced-colors: active) {
  .badge, .action, .details { border-color: ButtonText; background: Canvas; color: CanvasText; }
}
`

/** A sheet belongs to one document: there is one for each that shows an indicator. */
const sheets = new WeakMap<Document, CSSStyleSheet>()

/** One sheet for all elements of a document, which a CSP without inline styles allows. */
export const style = (root: ShadowRoot): void => {
  const page = root.ownerDocument
  let sheet = sheets.get(page)
  if (!sheet) {
    // The constructor of its own window: no other one's sheet may be adopted. A document that nobody sees has none.
    const Sheet = page.defaultView?.CSSStyleSheet
    if (!Sheet) return
    sheet = new Sheet()
    sheet.replaceSync(STYLES)
    sheets.set(page, sheet)
  }
  root.adoptedStyleSheets = [sheet]
}

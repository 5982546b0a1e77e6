/** How it looks, where the page says nothing else. */

const CSS = `
:host {
  --_green: var(--connection-status-green, light-dark(#15803d, #4ade80));
  --_yellow: var(--connection-status-yellow, light-dark(#a16207, #facc15));
  --_blue: var(--connection-status-blue, light-dark(#2563eb, #60a5fa));
  --_red: var(--connection-status-red, light-dark(#dc2626, #f87171));
  display: inline-block;
  font: var(--connection-status-font, 500 0.875rem/1.4 system-ui, sans-serif);
  color: var(--connection-status-text, CanvasText);
}
:host([hidden]), :host(:not([data-status])) { display: none }
[hidden] { display: none !important }
.badge {
  --_color: var(--_green);
  --_tint: var(--_color);
  display: inline-flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.2em 0.5em;
  padding: 0.25em 0.6em;
  border: 1px solid var(--_color);
  border-radius: var(--connection-status-radius, 1em);
  background: var(--connection-status-background, color-mix(in srgb, var(--_tint) 14%, Canvas));
}
/* Dark enough to be seen as an icon on white, yellow would be brown; the ground makes up for it. */
.yellow { --_color: var(--_yellow); --_tint: var(--connection-status-yellow, #facc15) }
.blue { --_color: var(--_blue) }
.red { --_color: var(--_red) }
.icon { display: inline-flex; color: var(--_color) }
.CONNECTING > svg, .RECONNECTING > svg { animation: turn 1.2s linear infinite }
.label { font-weight: 600 }
.note { font-size: 0.9em; font-variant-numeric: tabular-nums }
.note:empty { display: none }
.spoken {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
button {
  min-width: 24px;
  min-height: 24px;
  padding: 0.1em 0.6em;
  border: 1px solid currentColor;
  border-radius: var(--connection-status-radius, 1em);
  background: none;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
button:focus-visible { outline: 2px solid currentColor; outline-offset: 2px }
.more { border-color: transparent; padding: 0.1em 0.3em }
.panel {
  position: fixed;
  inset: auto;
  z-index: 1000;
  margin: 0;
  box-sizing: border-box;
  width: min(24rem, calc(100vw - 16px));
  max-height: min(28rem, calc(100vh - 16px));
  overflow: auto;
  padding: 0.8em 1em;
  border: 1px solid;
  border-radius: 0.6em;
  background: var(--connection-status-background, Canvas);
  color: inherit;
  font-weight: 400;
  overflow-wrap: anywhere;
}
.panel p, .panel dl, .panel ol { margin: 0 0 0.8em; padding: 0 }
dt { font-weight: 600 }
dd { margin: 0 0 0.5em }
.spark { display: block; width: 100%; height: 2rem; color: var(--_blue) }
li { display: flex; gap: 0.5em; list-style: none }
li::before { content: ''; flex: none; width: 0.6em; height: 0.6em; margin-top: 0.4em; border-radius: 50%; background: var(--_color) }
li.green { --_color: var(--_green) }
time { font-variant-numeric: tabular-nums }
textarea { box-sizing: border-box; width: 100%; height: 6em; font: 0.8em monospace }
@keyframes turn { to { transform: rotate(1turn) } }
@media (prefers-reduced-motion: reduce) { svg { animation: none !important } }
@media (forced-colors: active) {
  .badge, .panel, button { border-color: CanvasText }
  .icon, .spark { color: CanvasText }
  li::before { forced-color-adjust: none; outline: 1px solid CanvasText }
}
`

let sheet: CSSStyleSheet | undefined

/** One sheet for all elements; it also works where a CSP forbids inline styles. */
export const style = (root: ShadowRoot): void => {
  if (!sheet) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(CSS)
  }
  root.adoptedStyleSheets = [sheet]
}

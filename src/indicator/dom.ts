/** Builds nodes without `innerHTML`, which a page may forbid (`require-trusted-types-for 'script'`). */

const SVG = 'http://www.w3.org/2000/svg'

type Child = Node | string

const build = <Made extends Element>(
  made: Made,
  attributes: Readonly<Record<string, string>>,
  children: readonly Child[],
): Made => {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/** An HTML element of this document. */
export const html = <Name extends keyof HTMLElementTagNameMap>(
  page: Document,
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] => build(page.createElement(name), attributes, children)

/** An SVG element of this document. */
export const svg = <Name extends keyof SVGElementTagNameMap>(
  page: Document,
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): SVGElementTagNameMap[Name] => build(page.createElementNS(SVG, name), attributes, children)

/** Sets a text, unless it is there already: a new node would lose what is selected in it. */
export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text
}

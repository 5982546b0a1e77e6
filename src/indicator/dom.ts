/** Elements made by hand: no markup in strings, which strict pages (Trusted Types) refuse. */

type Attributes = Readonly<Record<string, string>>
type Child = Node | string

const fill = <Made extends Element>(
  element: Made,
  attributes: Attributes,
  children: readonly Child[],
): Made => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

export const html = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] => fill(document.createElement(name), attributes, children)

export const svg = (name: string, attributes: Attributes = {}, ...children: Child[]): SVGElement =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children)

/** Writes only what differs: a live region that is written again may speak again. */
export const write = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text
}

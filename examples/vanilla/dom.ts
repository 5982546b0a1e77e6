/** Two helpers, so that everything on the page is written as text and never as HTML. */

export const byId = <Kind extends Element = HTMLElement>(id: string): Kind => {
  const found = document.getElementById(id)
  if (!found) throw new Error(`index.html: expected an element with the id ${id}`)
  return found as unknown as Kind
}

export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  text = '',
): HTMLElementTagNameMap[Name] => {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

/** Writes only what is new: a write that changes nothing still costs. */
export const write = (target: Element, text: string): void => {
  if (target.textContent !== text) target.textContent = text
}

const SVG = 'http://www.w3.org/2000/svg'

export const shape = <Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Record<string, string>,
): SVGElementTagNameMap[Name] => {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

// What both stories need: a page, and how this runtime connects.
import { Window } from 'happy-dom'
import { WebSocket } from 'ws'

const window = new Window({ url: 'http://desk.test/' })
const names = 'window document navigator Node Element HTMLElement SVGElement Event CustomEvent'
for (const name of names.split(' ')) {
  Object.defineProperty(globalThis, name, {
    value: name === 'window' ? window : window[name],
    configurable: true,
  })
}

export const options = {
  url: process.argv[2],
  fallback: false,
  // Of Node, whatever its age.
  environment: { WebSocket },
}

export const element = window.document.createElement('main')
window.document.body.append(element)

const complaints = []
for (const level of ['error', 'warn']) {
  console[level] = (...words) => void complaints.push(words.map(String).join(' '))
}

/** Resolves when the page shows exactly this. */
export const says = text =>
  new Promise(resolve => {
    const look = () => (element.textContent === text ? resolve() : setTimeout(look, 5))
    look()
  })

/** Resolves when the page shows two open statuses and a price of so much. */
export const shows = least =>
  new Promise(resolve => {
    const look = () => {
      const [, price] = /^OPEN OPEN (\d+)$/.exec(element.textContent) ?? []
      if (price >= least) resolve()
      else setTimeout(look, 5)
    }
    look()
  })

export const tell = outcome => {
  console.log(JSON.stringify({ ...outcome, complaints }))
  process.exit()
}

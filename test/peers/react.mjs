//   react.mjs ws://HOST:PORT/ws
import { element, options, shows, tell } from './page.mjs'

const { createElement: h, StrictMode, useState, version } = await import('react')
const { createRoot } = await import('react-dom/client')
const { renderToString } = await import('react-dom/server')
const { useResilientWebSocket, useSubscription, useWebSocket } = await import(
  'resilient-websocket/react'
)

const Price = () => {
  const quotes = useSubscription('AAPL', undefined, options)
  return String(quotes.get('AAPL')?.data)
}
let renders = 0
const Status = () => {
  const { status } = useResilientWebSocket(options)
  renders++
  return status
}
const Older = () => useWebSocket(options).status
let mountAnew = () => {}
const Page = () => {
  const [key, setKey] = useState(0)
  mountAnew = () => setKey(key + 1)
  return h('p', { key }, h(Status), ' ', h(Older), ' ', h(Price))
}

const rendered = renderToString(h(Page))
const root = createRoot(element)
root.render(h(StrictMode, null, h(Page)))
await shows(20)
const before = renders
await shows(40)
const more = renders - before
mountAnew()
await shows(60)
root.unmount()
tell({ version, rendered: rendered.replace(/<!-- -->/g, ''), more })

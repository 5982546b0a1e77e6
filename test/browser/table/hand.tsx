/**
 * The table in React without the library: ids that were seen are left out, and rows are rendered every 150 ms, by hand.
 * It does less than the hooks: no batches for listeners, no age of ids, no channels, guards or counts, no reconnect.
 */
import { useLayoutEffect, useState, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { Row } from './row.tsx'
import { count, type Quote, SYMBOLS, tally, url } from './tally.ts'

const WINDOW_MS = 150
/** The newest ids are in one of two sets, at least so many of them. */
const REMEMBERED = 10_000

let ids = new Set<string>()
let olderIds = new Set<string>()
const isNew = (id: string): boolean => {
  if (ids.has(id) || olderIds.has(id)) return false
  if (ids.add(id).size === REMEMBERED) {
    olderIds = ids
    ids = new Set()
  }
  return true
}

let shown: ReadonlyMap<string, number> = new Map()
const fresh = new Map<string, number>()
let changed = (): void => {}

const socket = new WebSocket(url)
let opened = (): void => {}
socket.onopen = () => {
  socket.send('ready')
  opened()
}
socket.onmessage = ({ data }) => {
  for (const message of [JSON.parse(data)].flat()) {
    if (message.type !== 'market_data' || !isNew(message.id)) continue
    const quote: Quote = message.data
    count(quote)
    fresh.set(message.channel, quote.price)
  }
}
setInterval(() => {
  if (!fresh.size) return
  shown = new Map([...shown, ...fresh])
  fresh.clear()
  changed()
}, WINDOW_MS)

const subscribe = (listener: () => void): (() => void) => {
  changed = listener
  return () => {}
}

const Table = () => {
  const prices = useSyncExternalStore(subscribe, () => shown)
  useLayoutEffect(() => {
    tally.commits++
  })
  return (
    <table>
      <tbody>
        {SYMBOLS.map(symbol => (
          <Row key={symbol} symbol={symbol} price={prices.get(symbol)} />
        ))}
      </tbody>
    </table>
  )
}

const Status = () => {
  const [status, setStatus] = useState('CONNECTING')
  opened = () => setStatus('OPEN')
  return <p>{status}</p>
}

createRoot(document.querySelector('main') as HTMLElement).render(
  <>
    <Status />
    <Table />
  </>,
)

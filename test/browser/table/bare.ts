/** The least that a page can do: parse, keep the newest, and write to the table now and then. */
import { count, type Quote, SYMBOLS, tally, url } from './tally.ts'

/** Put in its place by the build. */
declare const COMMIT_MS: number

const newest = new Map<string, number>()
const cells = new Map<string, HTMLElement>()

const table = document.createElement('table')
for (const symbol of SYMBOLS) {
  const row = table.insertRow()
  row.insertCell().textContent = symbol
  const cell = row.insertCell()
  cell.id = symbol
  cells.set(symbol, cell)
}
document.querySelector('main')?.append(table)

const socket = new WebSocket(url)
socket.onopen = () => socket.send('ready')
socket.onmessage = ({ data }) => {
  for (const message of [JSON.parse(data)].flat()) {
    if (message.type !== 'market_data') continue
    const quote: Quote = message.data
    count(quote)
    newest.set(quote.symbol, quote.price)
  }
}
setInterval(() => {
  if (!newest.size) return
  for (const [symbol, price] of newest) {
    const cell = cells.get(symbol)
    if (cell) cell.textContent = `${price}`
  }
  newest.clear()
  tally.commits++
}, COMMIT_MS)

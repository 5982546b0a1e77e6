/** The price table: one update of the page per batch, however many messages it holds. */
import type { Connection } from './connection.ts'
import { byId, element, write } from './dom.ts'
import { type Quote, quotesIn } from './quotes.ts'
import { createSparkline } from './sparkline.ts'

/** Without news for so long a price is marked: it may be wrong by now. */
const STALE_AFTER_MS = 5000

const price = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
/** Where two decimals would be all zeros. */
const small = new Intl.NumberFormat('en-US', {
  minimumSignificantDigits: 4,
  maximumSignificantDigits: 4,
})
const percent = new Intl.NumberFormat('en-US', {
  style: 'percent',
  minimumFractionDigits: 2,
  signDisplay: 'always',
})

const ageWords = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 1) return 'now'
  return seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`
}

const stillness = matchMedia('(prefers-reduced-motion: reduce)')

interface Row {
  readonly line: HTMLTableRowElement
  show(quote: Quote): void
  grow(): void
}

const createRow = (symbol: string): Row => {
  const line = element('tr', '')
  const name = element('th', '', symbol)
  name.scope = 'row'
  const priceCell = element('td', 'number')
  const priceText = element('span', 'price')
  priceText.dataset.testid = `price-${symbol}`
  priceCell.append(priceText)
  const changeCell = element('td', 'number change')
  const trendCell = element('td', 'trend')
  const ageCell = element('td', 'number age')
  const sparkline = createSparkline()
  trendCell.append(sparkline.svg)
  line.append(name, priceCell, changeCell, trendCell, ageCell)

  let first: number | undefined
  let last: number | undefined
  let cameAt = 0

  return {
    line,
    show(quote) {
      first ??= quote.price
      const change = quote.changePercent ?? (quote.price / first - 1) * 100
      write(priceText, (quote.price < 1 ? small : price).format(quote.price))
      write(changeCell, percent.format(change / 100))
      // One colour for both: a line that rose within the last minute may still be down since the start.
      line.dataset.tone = change < 0 ? 'down' : 'up'
      sparkline.add(quote.price)
      if (last !== undefined && quote.price !== last && !stillness.matches) {
        const color = quote.price > last ? 'var(--up-soft)' : 'var(--down-soft)'
        priceText.animate([{ background: color }, { background: 'transparent' }], 600)
      }
      last = quote.price
      // By this machine's clock: those of exchanges and recorders are off by seconds.
      cameAt = Date.now()
      this.grow()
    },
    grow() {
      const age = Date.now() - cameAt
      const stale = age > STALE_AFTER_MS
      line.classList.toggle('stale', stale)
      write(ageCell, ageWords(age))
      ageCell.title = stale ? 'No news for a while: this price may be wrong by now' : ''
    },
  }
}

export const mountPrices = (socket: Connection): void => {
  const body = byId('prices')
  const rows = new Map<string, Row>()

  const rowOf = (symbol: string): Row => {
    const known = rows.get(symbol)
    if (known) return known
    byId('no-prices').hidden = true
    const row = createRow(symbol)
    rows.set(symbol, row)
    const next = [...rows.keys()].sort().find(each => each > symbol)
    body.insertBefore(row.line, rows.get(next ?? '')?.line ?? null)
    return row
  }

  socket.on('batch', messages => {
    const newest = new Map<string, Quote>()
    for (const message of messages) {
      for (const quote of quotesIn(message)) newest.set(quote.symbol, quote)
    }
    for (const [symbol, quote] of newest) rowOf(symbol).show(quote)
    if (!rows.size)
      write(byId('no-prices'), 'Messages come, but no prices that this page can read.')
  })

  setInterval(() => {
    for (const row of rows.values()) row.grow()
  }, 500)
}

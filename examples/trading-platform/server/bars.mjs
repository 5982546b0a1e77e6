// @ts-check
/** Five-second bars of every symbol, kept for pages that have just opened. */

/** [start in seconds since the epoch, open, high, low, close] @typedef {[number, number, number, number, number]} Bar */

export const BAR_SECONDS = 5
const KEPT = 240

/** @param {number} atMs */
const startOf = atMs => Math.floor(atMs / 1000 / BAR_SECONDS) * BAR_SECONDS

/** Prices have seven digits that mean something, of whatever size they are. @param {number} value */
const rounded = value => Number(value.toPrecision(7))

/** @param {string} text */
const seedOf = text => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7)

/**
 * A past that leads to the first known price, so that the first page does not open on an empty chart.
 * @param {string} symbol @param {number} price @param {number} atMs
 */
const invent = (symbol, price, atMs) => {
  let state = seedOf(symbol)
  const chance = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 0) / 4_294_967_296
  }
  /** @type {Bar[]} */
  const bars = []
  let close = price
  for (let start = startOf(atMs) - BAR_SECONDS; bars.length < KEPT - 1; start -= BAR_SECONDS) {
    const open = close * (1 + (chance() + chance() + chance() - 1.5) * 0.003)
    const high = Math.max(open, close) * (1 + chance() * 0.0008)
    const low = Math.min(open, close) * (1 - chance() * 0.0008)
    bars.unshift([start, rounded(open), rounded(high), rounded(low), rounded(close)])
    close = open
  }
  return bars
}

/** @param {{ withPast: boolean }} options A simulated market gets a past; that of a recording is not ours to invent. */
export const createBars = ({ withPast }) => {
  /** @type {Map<string, Bar[]>} */
  const books = new Map()
  return {
    /** @param {string} symbol @param {number} price @param {number} atMs */
    add(symbol, price, atMs) {
      const bars = books.get(symbol) ?? (withPast ? invent(symbol, price, atMs) : [])
      books.set(symbol, bars)
      const start = startOf(atMs)
      const last = bars.at(-1)
      if (last && last[0] >= start) {
        last[2] = Math.max(last[2], price)
        last[3] = Math.min(last[3], price)
        last[4] = price
        return
      }
      const open = last?.[4] ?? price
      bars.push([start, open, Math.max(open, price), Math.min(open, price), price])
      if (bars.length > KEPT) bars.shift()
    },
    /** @param {string} symbol @returns {readonly Bar[]} */
    of: symbol => books.get(symbol) ?? [],
  }
}

// @ts-check
/** The last signals and alerts, kept for pages that have just opened. */

/** @import { Publication } from 'resilient-websocket/server' */
/** @import { Bar } from './bars.mjs' */

/** Of each kind. */
const KEPT = 40

/** How far a bar goes from open to close, as a share, for a signal and for an alert. */
const SIGNAL_MOVE = 0.0026
const ALERT_MOVE = 0.003

/**
 * What the market would have said of bars that it has invented, so that the first page does not open on empty lists.
 * @param {string} symbol @param {readonly Bar[]} bars @returns {Publication[]}
 */
export const noticesOf = (symbol, bars) =>
  bars.flatMap(([start, open, , , price]) => {
    const move = price / open - 1
    const size = Math.abs(move)
    if (size < SIGNAL_MOVE) return []
    const about = { id: `${symbol}-${start}`, timestamp: start * 1000 }
    if (size > ALERT_MOVE) {
      const message = `${symbol} moves fast`
      return { ...about, type: 'alert', data: { symbol, level: 'warning', message, price } }
    }
    const confidence =
      Math.round(((size - SIGNAL_MOVE) / (ALERT_MOVE - SIGNAL_MOVE)) * 50 + 50) / 100
    const action = move > 0 ? 'buy' : 'sell'
    return { ...about, type: 'signal', data: { symbol, action, price, confidence } }
  })

export const createNotices = () => {
  /** @type {Map<string, Publication[]>} */
  const kept = new Map()
  const byTime = (/** @type {Publication} */ one, /** @type {Publication} */ other) =>
    (one.timestamp ?? 0) - (other.timestamp ?? 0)
  return {
    /** @param {readonly Publication[]} notices */
    add(notices) {
      for (const notice of notices) {
        const { type } = notice
        kept.set(type, [...(kept.get(type) ?? []), notice].sort(byTime).slice(-KEPT))
      }
    },
    /** Of all kinds, oldest first. */
    recent: () => [...kept.values()].flat().sort(byTime),
  }
}

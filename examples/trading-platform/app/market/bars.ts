/** Five-second bars, made from the quotes as they come and from the server's history. */
import type { Bar } from './messages'

const BAR_SECONDS = 5
const KEPT = 480

const startOf = (atMs: number): number => Math.floor(atMs / 1000 / BAR_SECONDS) * BAR_SECONDS

/** The bars with one more price. One that came late changes its own bar, or nothing if that is gone. */
export const withPrice = (bars: readonly Bar[], price: number, atMs: number): readonly Bar[] => {
  const start = startOf(atMs)
  const last = bars.at(-1)
  if (!last || last[0] < start) {
    const open = last?.[4] ?? price
    return [
      ...bars,
      [start, open, Math.max(open, price), Math.min(open, price), price] as const,
    ].slice(-KEPT)
  }
  return bars.map(bar => {
    if (bar[0] !== start) return bar
    const close = bar === last ? price : bar[4]
    return [start, bar[1], Math.max(bar[2], price), Math.min(bar[3], price), close] as const
  })
}

/** History from the server, and what came since it was made. */
export const withHistory = (bars: readonly Bar[], history: readonly Bar[]): readonly Bar[] => {
  const last = history.at(-1)
  if (!last) return bars
  const merged = bars.filter(([start]) => start >= last[0])
  const same = merged[0]?.[0] === last[0] ? merged.shift() : undefined
  const joint: Bar = same
    ? [last[0], last[1], Math.max(last[2], same[2]), Math.min(last[3], same[3]), same[4]]
    : last
  return [...history.slice(0, -1), joint, ...merged].slice(-KEPT)
}

import type { AgedQuote } from '@/app/hooks/useQuote'
import { formatAge } from '@/app/market/format'

/** What has to be known of a price beside the price: that it is old, or not the market's own. */
export const Mark = ({ quote, ageMs, stale }: AgedQuote) => {
  if (stale) return <span className="mark-old">{formatAge(ageMs)} old</span>
  return quote?.source ? <span className="mark-source">second source</span> : null
}

'use client'
import type { Quote } from '@/app/market/desk'
import { useDesk } from './useDesk'
import { useNow } from './useNow'
import { useStore } from './useStore'

/** A symbol moves about twice a second; polled prices are up to five seconds old. */
const STALE_MS = 8000

export interface AgedQuote {
  readonly quote: Quote | undefined
  readonly ageMs: number
  /** So old that it has to be marked, wherever it stands. */
  readonly stale: boolean
}

/** What a symbol costs, and how much that is worth knowing. */
export const useQuote = (symbol: string): AgedQuote => {
  const quote = useStore(useDesk().quote(symbol))
  const now = useNow()
  const ageMs = quote && now ? Math.max(0, now - quote.at) : 0
  return { quote, ageMs, stale: ageMs > STALE_MS }
}

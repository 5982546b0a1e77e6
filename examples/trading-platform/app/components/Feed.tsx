'use client'
import { useMarketFeed } from '@/app/hooks/useMarketFeed'

/** Shows nothing; keeps the market flowing on every page. */
export const Feed = () => {
  useMarketFeed()
  return null
}

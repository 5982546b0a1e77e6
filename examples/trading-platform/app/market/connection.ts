/** How this page connects: the settings that all its hooks share. */

/** A number of the environment, or what is usual. */
const number = (text: string | undefined, usual: number): number => {
  const value = Number(text)
  return text && value > 0 ? value : usual
}

// Next puts the values in where these names are written out in full.
export const WS_URL = process.env.NEXT_PUBLIC_WS_URL || 'ws://localhost:3001/ws'

export const CONNECTION = {
  url: WS_URL,
  // What happens to the connection, for whoever opens the console; each message, too, at the level that browsers
  // call verbose and hide at first.
  logger: console,
  reconnect: { initialDelayMs: number(process.env.NEXT_PUBLIC_WS_RETRY_MS, 2000) },
  fallback: {
    url: '/api/market/snapshot',
    intervalMs: number(process.env.NEXT_PUBLIC_WS_POLL_MS, 5000),
    probeIntervalMs: number(process.env.NEXT_PUBLIC_WS_PROBE_MS, 10_000),
    // One redial has its chance. Then prices come by HTTP, before those on the page are marked as old.
    afterMs: number(process.env.NEXT_PUBLIC_WS_FALLBACK_MS, 5000),
  },
}

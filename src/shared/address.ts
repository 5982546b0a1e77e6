/** URLs of servers: which of them a WebSocket can dial, and how they are shown. */

const parse = (url: string, base?: string): URL | undefined => {
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}

/** Without user, password, query and fragment: those may hold tokens. */
export const shownUrl = (url: string): string =>
  url.replace(/[?#].*/s, '').replace(/^([^/]*\/\/)?[^/]*@/, '$1')

/**
 * Says why no WebSocket can dial this URL, and what to write; `undefined` if it may be dialed. A relative one is the
 * platform's business: browsers take it.
 */
export const faultOf = (url: string): string | undefined => {
  const whole = parse(url)
  const shown = shownUrl(url)
  if (!whole) {
    const relative = parse(url, 'http://localhost')
    return relative
      ? undefined
      : `expected a whole URL, such as 'ws://localhost:3001/ws', got '${shown}'`
  }
  if (/^(ws|http)s?:$/.test(whole.protocol)) return undefined
  const expected = `expected a URL with ws:, wss:, http: or https:, got '${shown}'`
  // `localhost:3001` is a URL, whose scheme is `localhost`.
  return url.includes('//')
    ? expected
    : `${expected}; write 'ws://${shown}', or wss: where it has TLS`
}

/** True for this machine's own server, which needs no network. */
export const isLoopback = (url: string, base?: string): boolean => {
  const { hostname = '' } = parse(url, base) ?? {}
  return /^(.+\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/.test(hostname)
}

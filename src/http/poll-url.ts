/** The URL of a poll: where the fallback is, which channels it names, and the client's positions in them. */

export interface FallbackAddress {
  /** `fallback.url`. */
  readonly url: string
  /** The URL of the WebSocket, which a relative `url` is relative to outside of pages; undefined: none is known yet. */
  readonly base: string | URL | undefined
  /** The page's own address is known, which `fetch` completes a relative URL with. */
  readonly hasLocation: boolean
}

/** The URL to poll and to post to, without a query of ours; undefined if a relative one cannot be completed. */
export const fallbackUrl = ({ url, base, hasLocation }: FallbackAddress): string | undefined => {
  if (hasLocation) return url
  if (base !== undefined) return new URL(url, `${base}`.replace(/^ws/, 'http')).href
  return URL.canParse(url) ? url : undefined
}

export interface PollQuery {
  readonly base: string
  readonly channels: readonly string[]
  /** The first channel to name, by its index; past the last: begins anew. */
  readonly first: number
  /** The poll names channels until their names and positions have so many characters; at least 1. */
  readonly maxLength: number
  /** The client's position in a channel, if it has one. */
  positionOf(channel: string): string | undefined
}

export interface PollUrl {
  readonly url: string
  /** The first channel of the poll after it, by its index; the number of channels if this one has named the last. */
  readonly next: number
}

/** The next poll. It names at least one channel, if there is one: a poll that names none asks for all of them. */
export const pollUrl = ({ base, channels, first, maxLength, positionOf }: PollQuery): PollUrl => {
  const names: string[] = []
  const positions: string[] = []
  let next = first < channels.length ? first : 0
  for (let length = 0; next < channels.length && length < maxLength; next++) {
    const name = encodeURIComponent(channels[next] as string)
    const position = encodeURIComponent(positionOf(channels[next] as string) ?? '')
    names.push(name)
    if (position) positions.push(position)
    length += name.length + position.length
  }
  const parameters: string[] = []
  if (names.length) parameters.push(`symbols=${names}`)
  if (positions.length) parameters.push(`since=${positions}`)
  const separator = base.includes('?') ? '&' : '?'
  return { url: parameters.length ? `${base}${separator}${parameters.join('&')}` : base, next }
}

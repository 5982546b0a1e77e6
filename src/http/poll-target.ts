/** What is polled, over several polls where one cannot name all channels. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { FallbackEvents } from '../connection/fallback.ts'
import { ResilientWebSocketError } from '../errors.ts'
import type { Settings } from '../options/settings.ts'
import type { HttpContact } from '../protocol/own-conversation.ts'
import { type Environment, locationOf } from '../shared/runtime.ts'
import { fallbackUrl, pollUrl } from './poll-url.ts'

export interface PollTargetDeps {
  /** `fallback.url`. */
  readonly url: string
  /** The option `url`, until a dial has said where the server is. */
  readonly webSocketUrl: Settings['url']
  readonly environment: Environment
  readonly channels: ChannelRegistry | undefined
  readonly contact: HttpContact | undefined
  readonly events: Pick<FallbackEvents, 'dialedUrl'>
}

export interface PollTarget {
  /** The URL without channels, where messages are posted, too. Throws where nobody knows yet where the server is. */
  address(): string
  /** The URL of the next poll: it names the channels that follow those of the last one. Throws as `address()`. */
  nextUrl(): string
  /** Channels are left that the last poll did not name: the next one need not wait. */
  isUnfinished(): boolean
  /** The last answer was larger than the client reads: the next polls name fewer channels. */
  shrink(): void
}

/** Characters of a poll's query: the next poll names the channels that do not fit. */
const MAX_QUERY = 4000

export const createPollTarget = (deps: PollTargetDeps): PollTarget => {
  const { url, environment, channels, contact } = deps
  let first = 0
  let maxLength = MAX_QUERY

  const names = (): readonly string[] => channels?.names() ?? []

  const address = (): string => {
    const base = deps.events.dialedUrl() || deps.webSocketUrl
    const whole = fallbackUrl({
      url,
      base: typeof base === 'function' ? undefined : base,
      hasLocation: locationOf(environment) !== undefined,
    })
    if (whole !== undefined) return whole
    const text = `fallback.url: expected a whole URL while url() gives none, got '${url}'`
    throw new ResilientWebSocketError('POLL', text, undefined, { hint: 'fallback' })
  }

  return {
    address,
    nextUrl() {
      const poll = pollUrl({
        base: address(),
        channels: names(),
        first,
        maxLength,
        positionOf: channel => contact?.positionOf(channel),
      })
      first = poll.next
      return poll.url
    },
    isUnfinished: () => first < names().length,
    shrink() {
      // Never 0: a poll that names no channel asks for all of them.
      maxLength = Math.max(1, maxLength >> 1)
    },
  }
}

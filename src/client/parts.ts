/** What `use` adds to a client: parts that are loaded only where they are named. */
import type { createChannels } from '../channels/channel.ts'
import type { createChannelRegistry } from '../channels/channel-registry.ts'
import type { createRequests } from '../delivery/requests.ts'
import type { createSequence } from '../delivery/sequence.ts'
import type { createFallback } from '../http/fallback.ts'
import type { FallbackOptions } from '../options/options.ts'
import type { FallbackSettings } from '../options/settings.ts'
import type { createSessions } from '../protocol/v1/sessions.ts'
import type { Rule } from '../shared/validate.ts'

/** Channels: `subscribe()`. */
export interface SubscriptionsPart {
  readonly name: 'subscriptions'
  readonly createChannels: typeof createChannels
  readonly createChannelRegistry: typeof createChannelRegistry
}

/** Answers: `request()`. */
export interface RequestsPart {
  readonly name: 'requests'
  readonly createRequests: typeof createRequests
}

/** FALLBACK: polling while no WebSocket gets through. */
export interface PollingPart {
  readonly name: 'polling'
  /** As they were given to `polling()`; `undefined`: none were. */
  readonly given: FallbackOptions | undefined
  readonly rule: Rule<FallbackSettings | false>
  readonly createFallback: typeof createFallback
}

/** Protocol v1: sessions with acks, channels with positions. */
export interface SessionsPart {
  readonly name: 'sessions'
  readonly createChannels: typeof createChannels
  readonly createSequence: typeof createSequence
  readonly createSessions: typeof createSessions
}

/** One value of `use`. */
export type Part = SubscriptionsPart | RequestsPart | PollingPart | SessionsPart

/** The parts of a client by their names; of two with one name the later counts. */
export type Parts = { readonly [Name in Part['name']]?: Extract<Part, { readonly name: Name }> }

export const partsByName = (use: readonly Part[]): Parts =>
  Object.fromEntries(use.map(part => [part.name, part]))

/** The error for an option or a method whose part is not there. */
export const missingPart = (what: string, part: Part['name']): TypeError =>
  new TypeError(`${what}: expected ${part}() in use, got a client without it; add it to use`)

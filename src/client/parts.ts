/** What `use` adds to a client: factories in known slots, loaded only where a part is named. */
import type { createChannels } from '../channels/channel.ts'
import type { createChannelRegistry } from '../channels/channel-registry.ts'
import type { createRequests } from '../delivery/requests.ts'
import type { createSequence } from '../delivery/sequence.ts'
import type { createFallback } from '../http/fallback.ts'
import type { FallbackOptions } from '../options/options.ts'
import type { Part } from '../options/part.ts'
import type { FallbackSettings } from '../options/settings.ts'
import type { Rule } from '../shared/validate.ts'
import type { createPollInbox } from './poll-inbox.ts'
import type { createRequest } from './request.ts'
import type { createSessionsHost } from './sessions-host.ts'

/** Channels: `subscribe()`. */
export interface SubscriptionsPart extends Part<'subscriptions'> {
  readonly createChannels: typeof createChannels
  readonly createChannelRegistry: typeof createChannelRegistry
}

/** Answers: `request()`. */
export interface RequestsPart extends Part<'requests'> {
  readonly createRequests: typeof createRequests
  readonly createRequest: typeof createRequest
}

/** FALLBACK: polling while no WebSocket gets through. */
export interface PollingPart extends Part<'polling'> {
  /** As they were given to `polling()`; `undefined`: none were. */
  readonly given: FallbackOptions | undefined
  readonly rule: Rule<FallbackSettings | false>
  readonly createFallback: typeof createFallback
  readonly createPollInbox: typeof createPollInbox
}

/** Protocol v1: sessions with acks, channels with positions. */
export interface SessionsPart extends Part<'sessions'> {
  readonly createChannels: typeof createChannels
  readonly createSequence: typeof createSequence
  readonly createSessionsHost: typeof createSessionsHost
}

type AnyPart = SubscriptionsPart | RequestsPart | PollingPart | SessionsPart

export type PartName = AnyPart['name']

/** The parts of a client by their names; of two with one name the later counts. */
export type Parts = {
  readonly [Name in PartName]?: Extract<AnyPart, { readonly name: Name }>
}

export const partsByName = (use: readonly Part[]): Parts =>
  Object.fromEntries(use.map(part => [part.name, part]))

/** The error for an option or a method whose part is not there. */
export const missingPart = (what: string, part: PartName): TypeError =>
  new TypeError(`${what}: expected ${part}() in use, got a client without it; add it to use`)

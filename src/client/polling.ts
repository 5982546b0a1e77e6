/** Polling as a client uses it: what its answers bring, and what goes out by POST. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Fallback } from '../connection/fallback.ts'
import type { TokenProvider } from '../connection/token-provider.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { FallbackSettings, Settings } from '../options/settings.ts'
import type { Log } from '../shared/log.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { ClientConversation } from './conversation.ts'
import type { Drops } from './drops.ts'
import type { PollingPart } from './parts.ts'
import type { PublicEvents } from './public-events.ts'
import type { Received } from './received.ts'
import type { User } from './user.ts'

export interface PollingDeps<Incoming, Outgoing> {
  readonly settings: Settings<Incoming, Outgoing>
  readonly environment: Environment
  readonly timers: Timers
  readonly log: Log
  readonly token: TokenProvider
  readonly events: PublicEvents<Incoming, Outgoing>
  readonly user: User
  readonly drops: Drops
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Outbox<Outgoing>
  readonly received: Received<Incoming>
  readonly conversation: ClientConversation<Incoming, Outgoing>
}

export const createPolling = <Incoming, Outgoing>(
  part: PollingPart,
  rules: FallbackSettings,
  deps: PollingDeps<Incoming, Outgoing>,
): Fallback => {
  const { environment, user, drops, channels, outbox, received, conversation } = deps
  const { protocol } = conversation
  const { now } = environment
  return part.createFallback({
    ...rules,
    settings: deps.settings as never,
    environment,
    timers: deps.timers,
    log: deps.log,
    token: deps.token,
    outbox,
    channels: () => channels?.names() ?? [],
    revision: () => channels?.revision ?? 0,
    since: channel => protocol.http?.positionOf(channel),
    polled(message) {
      received.arrivedAt = now()
      user.wasShown = true
      conversation.follows ??= false
      drops.isPolled = true
      if (protocol.deliver) protocol.deliver(message)
      else received.accept(message as Incoming)
      drops.isPolled = false
    },
    interpret(body) {
      user.wasShown = true
      const messages = protocol.http?.readPoll(body)
      conversation.follows ??= messages !== undefined
      return messages
    },
    answered: poll => deps.events.emit('poll', poll),
    pending: () => protocol.http?.mayPost() ?? false,
    prepare: unsure => protocol.http?.prepare(unsure),
    outgoing: unsure => protocol.http?.nextBody(unsure),
    posted(answer) {
      received.arrivedAt = now()
      return protocol.http?.readAnswer(answer) ?? true
    },
    tooMuch: () => outbox.sequence?.shrinkBatch(),
  })
}

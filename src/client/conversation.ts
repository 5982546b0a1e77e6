/** The protocol of a client at work: what it asks of the parts, and what the parts do once messages may flow. */
import type { Channels } from '../channels/channel.ts'
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Connection } from '../connection/connection.ts'
import type { Heartbeat } from '../connection/heartbeat.ts'
import type { LiveLink } from '../connection/link-user.ts'
import type { RoundTrips } from '../connection/round-trips.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Requests } from '../delivery/requests.ts'
import { ResilientWebSocketError } from '../errors.ts'
import type { EnvelopeHost } from '../protocol/envelope-core.ts'
import type { OwnConversation } from '../protocol/own-conversation.ts'
import type { Protocol, ProtocolHost } from '../protocol/protocol.ts'
import { channelMessages } from './channel-messages.ts'
import type { ClientConversation } from './client-conversation.ts'
import type { Ground } from './ground.ts'
import { createProtocolLinks } from './protocol-host.ts'
import type { Received } from './received.ts'

export interface ConversationDeps<Incoming, Outgoing> extends Ground<Incoming, Outgoing> {
  readonly heartbeat: Heartbeat
  readonly roundTrips: RoundTrips
  readonly connection: Connection
  /** One record a channel; absent where neither `subscriptions()` nor `sessions()` is used. */
  readonly records: Channels | undefined
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Outbox<Outgoing>
  readonly requests: Requests<Incoming> | undefined
  readonly received: Received<Incoming>
}

/** A server that asks to be left is left within this time, in ms. */
const MAX_LEAVE_MS = 3_600_000

/** The client as its protocol sees it, whether or not there is a link. */
const createHost = <Incoming, Outgoing>(
  deps: ConversationDeps<Incoming, Outgoing>,
  live: () => LiveLink | undefined,
  slowDown: (delayMs: number) => void,
): ProtocolHost & EnvelopeHost => {
  const { faults } = deps
  const sessions = deps.parts.sessions?.createSessionsHost(deps as never, live)
  return {
    ...deps.environment,
    newId: deps.ids.next,
    channels: () => deps.channels?.names() ?? [],
    ...(sessions && { sessions }),
    message: deps.received.accept as EnvelopeHost['message'],
    dropped: deps.drops.drop,
    error: faults.report,
    refused(id, code, message) {
      const facts = code === 'UNAUTHORIZED' ? ({ hint: 'login' } as const) : undefined
      const refusal = new ResilientWebSocketError(code, message, undefined, facts)
      if (id) deps.requests?.refuse(id, refusal)
      faults.report(code, refusal)
    },
    slowDown,
  }
}

export const createConversation = <Incoming, Outgoing>(
  deps: ConversationDeps<Incoming, Outgoing>,
): ClientConversation<Incoming, Outgoing> => {
  const { timers, events, user, token, heartbeat, faults, connection } = deps
  const { channels, outbox, requests } = deps
  const spoken = deps.settings.protocol as Protocol<Incoming, Outgoing>
  let live: LiveLink | undefined
  let isReady = false
  /** The token that the server of this link has been shown. */
  let shownToken: string | undefined

  const slowDown = (delayMs: number): void => {
    outbox.pause(delayMs)
    channels?.repeat()
  }

  const protocol: OwnConversation<Incoming, Outgoing> = spoken.attach(
    createHost(deps, () => live, slowDown),
  )

  // Elsewhere messages name no channel that has to be joined first.
  if (protocol.channelOf) channels?.holdMessages(channelMessages(outbox as never))

  const links = createProtocolLinks<Incoming>({
    conversation: protocol,
    timers,
    outbox,
    channels,
    requests,
    token: () => (shownToken = token.current()),
    accept: deps.received.accept,
    onTerms({ intervalMs, timeoutMs, ratePerSecond, maxPayload }) {
      heartbeat.retune(intervalMs, timeoutMs)
      outbox.limit(ratePerSecond, maxPayload)
      deps.onChange()
    },
    onDropped: deps.drops.drop,
    onError: faults.report,
    onPong: deps.roundTrips.answered,
    onGap: (channel, reason) => channels?.gap({ channel, reason }),
    onRecovered: (channel, replayed) => channels?.recovered({ channel, replayed }),
    onSlowDown: slowDown,
    onLeave: withinMs =>
      timers.set('leave', Math.min(withinMs, MAX_LEAVE_MS), () =>
        connection.dispatch('outdated', 'Server asked to reconnect'),
      ),
    onRefuse: message => connection.refuse(message),
  })

  const refreshToken = (next: string | undefined): void => {
    if (!isReady) return
    shownToken = next
    if (next) protocol.token?.(next)
  }

  const conversation: ClientConversation<Incoming, Outgoing> = {
    protocol,
    follows: undefined,
    receive(payload, at) {
      deps.received.arrivedAt = at
      links.received(payload)
    },
    refreshToken,
    linkOpened(link) {
      live = link
      user.wasShown = true
      links.linkOpened(link)
    },
    linkReady(link, terms = {}) {
      isReady = true
      // Where nobody can know what was missed: before or after the gap there were no positions.
      const follows = terms.isSequenced === true || spoken.recovers === true
      const isUnknown = conversation.follows === false || (conversation.follows && !follows)
      conversation.follows = follows
      if (isUnknown) {
        events.emit('gap', { reason: 'reconnected' })
        // With positions each channel has its own word, once the server has said where it goes on.
        if (!follows) channels?.gapOnAll('reconnected')
        // A listener may have ended the link: nothing may open for it any more.
        if (live !== link) return
      }
      if (token.current() !== shownToken) refreshToken(token.current())
      // Before the queue opens, so that channels go before the first message.
      channels?.linkReady?.(link, {
        known: terms.channels ?? [],
        answers: terms.answers !== false,
        notify: (type, names) => protocol[type]?.(names),
      })
      outbox.linkReady(link, {
        maxInFlight: terms.isSequenced ? terms.maxInFlight : undefined,
        leaving: protocol.leaving,
      })
    },
    linkClosed() {
      live = undefined
      isReady = false
      timers.clear('leave')
      links.linkClosed()
      channels?.linkClosed?.()
      outbox.linkClosed()
    },
  }
  return conversation
}

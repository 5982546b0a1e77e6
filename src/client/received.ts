/** Messages on their way in: what passes schema and dedupe reaches its listeners, in this order, and the next batch. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import { type Batcher, createBatcher } from '../delivery/batcher.ts'
import { createDedupe } from '../delivery/dedupe.ts'
import { createInbox, type Inbox } from '../delivery/inbox.ts'
import type { Requests } from '../delivery/requests.ts'
import { idOfMessage } from '../options/defaults.ts'
import type { CoreSettings } from '../options/settings.ts'
import type { IncomingEnvelope } from '../protocol/envelope-types.ts'
import type { Log } from '../shared/log.ts'
import type { Timers } from '../shared/timers.ts'
import type { Drops } from './drops.ts'
import type { PublicEvents } from './public-events.ts'
import type { User } from './user.ts'

export interface ReceivedDeps<Incoming> {
  readonly settings: CoreSettings<Incoming>
  readonly timers: Timers
  readonly log: Log
  readonly events: PublicEvents<Incoming, never>
  readonly user: User
  readonly drops: Drops
  readonly channels: ChannelRegistry | undefined
  readonly requests: Requests<Incoming> | undefined
  now(): number
  /** The last message is another one. */
  onMessage(): void
  /** A message is not what it should be. */
  onBad(error: unknown): void
}

export interface Received<Incoming> {
  /** The last message that reached `message`. */
  readonly last: Incoming | null
  /** When it came, ms since the epoch. */
  readonly lastAt: number | null
  /** When the newest frame or poll came: asked for once, however many messages it holds. */
  arrivedAt: number
  readonly accept: Inbox<Incoming>
  /** Delivers what waits for the end of a window. */
  flush(): void
  /** Another user: nothing that was received is left. */
  reset(): void
}

export const createReceived = <Incoming>(deps: ReceivedDeps<Incoming>): Received<Incoming> => {
  const { settings, log, events, user, drops, channels, requests } = deps
  const { dedupe: rules, batch, logger } = settings
  const dedupe = rules && createDedupe(rules.size, rules.ttlMs, () => received.arrivedAt)
  const emitBatch = (messages: readonly Incoming[]): void => events.emitMessages('batch', messages)
  const batcher: Batcher<Incoming> = batch
    ? createBatcher<Incoming>(batch, deps.timers, emitBatch)
    : { add: message => emitBatch([message]), flush() {} }
  let last: Incoming | null = null
  let lastAt: number | null = null

  const received: Received<Incoming> = {
    get last() {
      return last
    },
    get lastAt() {
      return lastAt
    },
    arrivedAt: deps.now(),
    accept: createInbox<Incoming>({
      schema: settings.schema,
      key: rules ? rules.key : () => undefined,
      ownKey: rules !== false && rules.key !== idOfMessage,
      dedupe: dedupe || undefined,
      accepted(message, given, answers) {
        // Of the message as it came: a schema may keep less.
        const { type, channel, replyTo } = (given ?? {}) as Partial<IncomingEnvelope>
        drops.delivered(type)
        last = message
        lastAt = received.arrivedAt
        if (logger) log('debug', () => `Received: ${JSON.stringify(message)}`)
        const { generation } = user
        deps.onMessage()
        if (user.generation !== generation) return
        events.emitMessages('message', message)
        if (user.generation !== generation) return
        if (channel) channels?.deliver(channel, message)
        if (user.generation !== generation) return
        requests?.answer(answers ?? replyTo, message)
        batcher.add(message)
      },
      dropped: drops.drop,
      bad: deps.onBad,
    }),
    flush: batcher.flush,
    reset() {
      if (dedupe) dedupe.clear()
      last = lastAt = null
    },
  }
  return received
}

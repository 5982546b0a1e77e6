/** Which channels one client asks for, may have, and leaves. */
import type { Position } from './broker.ts'
import { dataOf, type Fields, isObject, replyTo } from './frame.ts'
import type { Listening } from './listening.ts'
import type { ServerSettings } from './options.ts'
import { CHANNEL_WORDS, isChannel, MOST_CHANNELS } from './publication.ts'
import { positionOf } from './recovery.ts'
import type { Talk } from './talk.ts'

export interface SubscribingHooks {
  readonly settings: ServerSettings
  readonly talk: Talk
  readonly listening: Listening
  user(): string | null
  /** It cannot be said what the client may hear. */
  failed(thrown: unknown): void
}

export interface Subscribing {
  /** The channels of a message that this client may listen to; it is told of the others. */
  permitted(message: Fields): Promise<Map<string, Position | null>>
  subscribe(message: Fields): Promise<void>
  unsubscribe(message: Fields): void
}

/** Names and positions of `{ channels: [..] }`, `{ channels: {..} }` or `{ symbols: [..] }`; undefined: none of these. */
const channelsIn = (message: Fields): Map<unknown, Position | null> | undefined => {
  const { channels, symbols } = dataOf(message)
  const named = channels ?? symbols
  if (Array.isArray(named)) return new Map(named.map(name => [name, null]))
  if (!isObject(named)) return undefined
  return new Map(Object.entries(named).map(([name, position]) => [name, positionOf(position)]))
}

export const createSubscribing = (hooks: SubscribingHooks): Subscribing => {
  const { settings, talk, listening } = hooks

  const permitted: Subscribing['permitted'] = async message => {
    const taken = new Map<string, Position | null>()
    const known = listening.channels().length
    let added = 0
    for (const [name, position] of channelsIn(message) ?? []) {
      if (!isChannel(name)) {
        talk.complain('UNKNOWN_CHANNEL', `A channel is named by ${CHANNEL_WORDS}`, message)
      } else if (!(await settings.authorize(hooks.user(), 'subscribe', name))) {
        talk.complain('FORBIDDEN', 'You may not listen to this channel', message)
      } else if (listening.has(name)) taken.set(name, position)
      else if (known + added < MOST_CHANNELS) {
        added++
        taken.set(name, position)
      } else talk.complain('FORBIDDEN', `No more than ${MOST_CHANNELS} channels`, message)
    }
    return taken
  }

  return {
    permitted,
    async subscribe(message) {
      if (!channelsIn(message)) {
        return talk.complain('BAD_MESSAGE', 'subscribe: expected { channels: [..] }', message)
      }
      try {
        await listening.resume(await permitted(message), verdicts =>
          talk.send('subscribed', { channels: verdicts }, replyTo(message)),
        )
      } catch (thrown) {
        hooks.failed(thrown)
      }
    },
    unsubscribe(message) {
      const named = channelsIn(message)
      if (!named) {
        return talk.complain('BAD_MESSAGE', 'unsubscribe: expected { channels: [..] }', message)
      }
      const left = [...named.keys()].filter(name => listening.leave(String(name)))
      talk.send('unsubscribed', { channels: left }, replyTo(message))
    },
  }
}

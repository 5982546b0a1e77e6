/** Which channels one client asks for, may have, and leaves. */
import type { Position } from '../broker/broker.ts'
import { MAX_CHANNELS } from '../broker/publication.ts'
import { positionOf } from '../broker/recovery.ts'
import type { ServerSettings } from '../options.ts'
import { CHANNEL_FORM, isChannel } from '../protocol/channel-name.ts'
import { type Fields, isObject, namedIn, replyTo } from '../protocol/parse.ts'
import type { TimeLimits } from '../time-limits.ts'
import type { Listening } from './channel-streams.ts'
import type { Talk } from './peer.ts'

export interface SubscribingHooks {
  readonly settings: ServerSettings
  readonly talk: Talk
  readonly listening: Listening
  readonly timeLimits: TimeLimits
  user(): string | null
  /** It cannot be said what the client may hear. */
  failed(thrown: unknown): void
}

export interface Subscribing {
  /**
   * The channels of a message that this client may listen to; of all others it is told by one error. Rejects if
   * `authorize` takes too long.
   */
  permitted(message: Fields): Promise<Map<string, Position | null>>
  subscribe(message: Fields): Promise<void>
  unsubscribe(message: Fields): void
}

/** Names and positions of `{ channels: [..] }`, `{ channels: {..} }` or `{ symbols: [..] }`; undefined: none of these. */
const channelsIn = (message: Fields): Map<unknown, Position | null> | undefined => {
  const named = namedIn(message)
  if (Array.isArray(named)) return new Map(named.map(name => [name, null]))
  if (!isObject(named)) return undefined
  return new Map(Object.entries(named).map(([name, position]) => [name, positionOf(position)]))
}

/** What is wrong with channels of one message: the first reason is told, and how many more there are. */
const createComplaint = () => {
  let first: { readonly code: string; readonly words: string } | undefined
  let more = 0
  return {
    add(code: string, words: string): void {
      if (first) more++
      else first = { code, words }
    },
    tell({ complain }: Talk, message: Fields): void {
      if (!first) return
      const others = more ? ` (and ${more} more channels were refused)` : ''
      complain(first.code, first.words + others, message)
    },
  }
}

const addWrongName = ({ add }: ReturnType<typeof createComplaint>): void =>
  add('UNKNOWN_CHANNEL', `Expected channels named by ${CHANNEL_FORM}`)

export const createSubscribing = (hooks: SubscribingHooks): Subscribing => {
  const { settings, talk, listening } = hooks

  const permitted: Subscribing['permitted'] = async message => {
    const complaint = createComplaint()
    const candidates: [string, Position | null][] = []
    let room = MAX_CHANNELS - listening.channels().length
    for (const [name, position] of channelsIn(message) ?? []) {
      if (!isChannel(name)) addWrongName(complaint)
      else if (listening.has(name) || room-- > 0) candidates.push([name, position])
      // Before the application is asked: nobody makes it answer for more channels than may be heard.
      else complaint.add('FORBIDDEN', `No more than ${MAX_CHANNELS} channels`)
    }
    const taken = new Map<string, Position | null>()
    await hooks.timeLimits.within(settings.handlerTimeoutMs, 'authorize', async isOver => {
      for (const [name, position] of candidates) {
        if (await settings.authorize(hooks.user(), 'subscribe', name)) taken.set(name, position)
        else complaint.add('FORBIDDEN', 'You may not listen to this channel')
        if (isOver()) return
      }
    })
    complaint.tell(talk, message)
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
      const complaint = createComplaint()
      const left: string[] = []
      for (const name of named.keys()) {
        if (!isChannel(name)) addWrongName(complaint)
        else if (listening.leave(name)) left.push(name)
      }
      complaint.tell(talk, message)
      talk.send('unsubscribed', { channels: left }, replyTo(message))
    },
  }
}

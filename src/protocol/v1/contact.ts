/** What protocol v1 says over HTTP while the client polls: positions with a GET, messages with a POST. */
import type { Channels } from '../../channels/channel.ts'
import type { Sequence } from '../../delivery/sequence.ts'
import { SESSION_TTL_MS } from '../constants.ts'
import type { EnvelopeCore } from '../envelope-core.ts'
import { type Fields, fields, isWhole, positive } from '../fields.ts'
import type { HttpContact } from '../own-conversation.ts'
import type { Cursors } from './cursors.ts'
import type { Session } from './session.ts'

export interface ContactDeps {
  readonly core: EnvelopeCore
  readonly sequence: Sequence
  readonly session: Session
  readonly cursors: Cursors
  readonly channels: Channels
  /** No link is open that may be proving itself. */
  isUnlinked(): boolean
  /** A server of v1 has answered a poll. */
  onPolled(): void
  /** The client can do nothing with this server. */
  onRefused(message: string): void
}

export interface Contact {
  readonly http: HttpContact
  /** The last poll was answered by a server that takes messages by POST. */
  isPolled(): boolean
  /**
   * The server's answer, on any transport, to a contact made at `at` (monotonic ms) with the `tok` `carried`. True if it
   * makes sense.
   */
  answered(answer: Fields, carried: string | undefined, at: number): boolean
  /** A link was closed: what the next poll says of channels is news again. */
  closed(): void
}

/** A session is its client's as long as nobody can guess its id. */
export const NO_SECRET =
  'The server speaks protocol v1, which needs crypto.getRandomValues; pass environment: { getRandomValues }'

/** The offset of the first message of each channel in the body of a poll. */
const firstOffsets = (messages: readonly unknown[]): ReadonlyMap<unknown, number> => {
  const firsts = new Map<unknown, number>()
  for (const message of messages) {
    const { channel, offset } = fields(message)
    if (isWhole(offset) && !firsts.has(channel)) firsts.set(channel, offset)
  }
  return firsts
}

export const createContact = (deps: ContactDeps): Contact => {
  const { core, sequence, session, cursors, channels, isUnlinked, onPolled } = deps
  const { host } = core
  let takesPosts = false
  /** What the last poll said of channels is no news in the next one. */
  let polledBefore = false
  /** The `tok` that the POST under way carries, and when it was made: the server may have read it at once. */
  let posted: string | undefined
  let postedAt = 0
  /** When the server last knew the session, by the monotonic clock, and how long it keeps it. */
  let knownAt = 0
  let sessionTtlMs = SESSION_TTL_MS

  /**
   * A server that has lost the session would make `unknown` what it is given: so it is asked first. One that was silent
   * for long may have forgotten the session, too.
   */
  const isKnown = (isUnsure: boolean): boolean =>
    session.knows() && !isUnsure && host.monotonicNow() - knownAt <= sessionTtlMs / 2

  // While a link may be proving itself, a request with a higher `gen` would end it.
  const takesPostsNow = (): boolean => takesPosts && isUnlinked()

  const answered: Contact['answered'] = (answer, carried, at) => {
    sessionTtlMs = positive(answer['sessionTtlMs']) ?? sessionTtlMs
    const makesSense = session.answered(answer, carried)
    // Where it speaks of another session, ours may be gone.
    knownAt = makesSense ? at : Number.NEGATIVE_INFINITY
    return makesSense
  }

  const http: HttpContact = {
    positionOf(channel) {
      const position = channels.get(channel)?.cursor
      return position ? `${channel}:${position.epoch}:${position.offset}` : undefined
    },
    readPoll(body) {
      const { protocol, channels: recoveries, messages } = fields(body)
      takesPosts = protocol === 1 && Array.isArray(messages)
      if (takesPosts && !session.id()) {
        takesPosts = false
        deps.onRefused(NO_SECRET)
        return []
      }
      if (!takesPosts) {
        // Another server answers: the one of the session may be gone, and forget it.
        cursors.onPlainLink()
        knownAt = Number.NEGATIVE_INFINITY
        return undefined
      }
      onPolled()
      const list = messages as readonly unknown[]
      cursors.applyRecoveries(recoveries, {
        firstOffsets: firstOffsets(list),
        silent: polledBefore,
      })
      polledBefore = true
      return list
    },
    mayPost: () => takesPostsNow() && sequence.isWaiting(),
    prepare(isUnsure) {
      if (takesPostsNow() && isKnown(isUnsure)) sequence.rejectUnsendable()
    },
    nextBody(isUnsure) {
      if (!takesPostsNow()) return undefined
      const known = isKnown(isUnsure)
      const frames = known ? sequence.nextBatch() : []
      if (known ? !frames.length : !sequence.isWaiting()) return undefined
      const contact = session.contact()
      posted = contact.tok
      postedAt = host.monotonicNow()
      return `${JSON.stringify(contact).slice(0, -1)},"messages":[${frames}]}`
    },
    readAnswer(answer) {
      const user = core.users
      const { messages, retryAfterMs } = fields(answer)
      // First, since what an ack settles may make room for more.
      const wait = positive(retryAfterMs)
      if (wait) host.slowDown(wait)
      if (!answer || !answered(answer as Fields, posted, postedAt)) {
        sequence.batchLost()
        return false
      }
      for (const each of Array.isArray(messages) ? messages : []) {
        if (user === core.users) core.element(each, true)
        else host.dropped('ended', each)
      }
      return true
    },
  }

  return {
    http,
    isPolled: () => takesPosts,
    answered,
    closed() {
      polledBefore = false
    },
  }
}

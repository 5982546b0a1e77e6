/** Messages sent by POST while no WebSocket gets through: the same session, the same rules. */
import type { WireMessage } from '../protocol/wire-types.ts'
import { type Applying, refuseAt } from './applying.ts'
import type { ServerEnvironment } from './environment.ts'
import {
  type Element,
  type Greeting,
  greetingIn,
  isObject,
  isPlace,
  placeOf,
  readElement,
  replyTo,
} from './frame.ts'
import { forLog } from './gate.ts'
import { createHttpRates } from './http-rates.ts'
import type { Counters } from './metrics.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import { incarnationOf, type Refused, type Sessions } from './sessions.ts'

export interface PostAnswer {
  readonly status: number
  readonly body: unknown
  readonly retryAfterSeconds?: number
}

/** Applies a body `{ sid, tok?, gen, messages }` of this user. */
export type Posting = (text: string, user: string | null, address: string) => Promise<PostAnswer>

export interface PostingHost {
  readonly settings: ServerSettings
  readonly sessions: Sessions
  readonly applying: Applying
  readonly environment: ServerEnvironment
  readonly counters: Counters
  /** Something failed that the server survives. */
  failed(thrown: unknown): void
  /** Closes the connections of this incarnation of a session that have a lower `gen`. */
  replaces(incarnation: string, gen: number): void
}

interface Post extends Greeting {
  readonly elements: readonly Element[]
}

const MOST_MESSAGES = 1000

/** What is wrong with one message is told at its place; a place that is none makes the whole unusable. */
const read = (text: string): Post | undefined => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return undefined
  }
  const greeting = isObject(body) && greetingIn(body)
  if (!isObject(body) || !greeting) return undefined
  const { messages = [] } = body
  if (!Array.isArray(messages) || messages.length > MOST_MESSAGES) return undefined
  const elements = messages.map(readElement)
  return elements.every(({ message }) => isPlace(placeOf(message)))
    ? { ...greeting, elements }
    : undefined
}

/** POSTs of one incarnation that may wait for each other. A client has one at a time under way, and perhaps one that it gave up. */
const MAX_PENDING_POSTS = 8

export const createPosting = (host: PostingHost): Posting => {
  const { settings, sessions, applying, environment, counters } = host
  /** By incarnation, which only its owner can name. */
  const senders = createHttpRates(settings.rateLimit, environment.monotonicNow)
  /** Of those that have none: whoever invents one `sid` after the other would have a rate of its own for each. */
  const addresses = createHttpRates(settings.rateLimit, environment.monotonicNow)

  /** POSTs of an incarnation whose turn has not ended. */
  const pending = new Map<string, number>()

  const tooFast = (words: string): PostAnswer => {
    counters.rateLimited++
    return { status: 429, body: { error: words }, retryAfterSeconds: 1 }
  }

  return async (text, user, address) => {
    counters.posts++
    const post = read(text)
    if (!post) {
      if (addresses.of(address)() !== 'pass') return tooFast('Too many requests')
      return {
        status: 400,
        body: { error: 'Expected { sid, tok?, gen, messages: [{ type, seq, ... }] }' },
      }
    }
    const { sid, tok, gen, elements } = post
    const key = JSON.stringify([user ?? '', sid])
    const known = tok === undefined ? undefined : senders.known(incarnationOf(key, tok))
    if (!known && addresses.of(address)() !== 'pass') return tooFast('Too many new senders')
    // Of the first message, or of a contact without any: before anything is asked of the store.
    const first = known?.()
    if (first === 'abuse' || (first && first !== 'pass' && !elements.length)) {
      return tooFast('Rate limit exceeded. Please slow down.')
    }
    let answer: PostAnswer = {
      status: 409,
      body: { error: 'A newer connection has replaced this one' },
    }

    const deliver = async (): Promise<void> => {
      const record = await sessions.contact(key, { tok, gen, ttlMs: settings.sessionTtlMs })
      if (!record) return
      const incarnation = incarnationOf(key, record.tok)
      host.replaces(incarnation, gen)
      const mayPass = known ?? senders.of(incarnation)
      senders.keep(incarnation, mayPass)
      const replies: Partial<WireMessage>[] = []
      const reply = (message: Partial<WireMessage>): void => {
        try {
          // What is no JSON would take the whole answer with it.
          JSON.stringify(message)
          replies.push(message)
        } catch (thrown) {
          settings.logger.error?.(`An answer to ${forLog(sid)} failed: ${forLog(thrown)}`)
          host.failed(thrown)
        }
      }
      const refused: Refused[] = [...record.refused]
      let ack = record.last
      let limited = false
      // A contact without the current `tok` applies nothing.
      if (record.tok === tok) {
        const until = environment.monotonicNow() + settings.handlerTimeoutMs
        for (const [index, { message, bad }] of elements.entries()) {
          // Of this message alone: what its handler says after its end comes with no answer.
          let over = false
          const client: ServerClient = {
            id: sid,
            user,
            address,
            channels: [],
            send: said => over || reply(said),
            close() {},
          }
          counters.received++
          limited = ((index === 0 && first) || mayPass()) !== 'pass'
          if (limited) counters.rateLimited++
          if (limited) break
          const place = { key, tok, seq: placeOf(message) as number }
          const sender = { user, client }
          const applied = await (bad
            ? refuseAt(applying, bad, place, sender)
            : applying.applyAt(message as unknown as WireMessage, place, sender))
          over = true
          if (applied.lost) break
          ack = applied.ack ?? ack
          if (applied.refused) refused.push(applied.refused)
          if (applied.reply) {
            reply({ ...applied.reply, ...replyTo(message) })
          }
          // The client has long waited for its answer, as its next connection waits for this turn: it sends the rest again.
          if (applied.refused?.code === 'TIMEOUT' || environment.monotonicNow() >= until) break
        }
      }
      answer = {
        status: 200,
        body: {
          tok: record.tok,
          ack,
          refused,
          messages: replies,
          sessionTtlMs: settings.sessionTtlMs,
          ...(limited && { retryAfterMs: 1000 }),
        },
      }
    }
    // A contact without a `tok` applies nothing, and waits for nobody.
    if (tok === undefined) {
      await deliver()
      return answer
    }
    const incarnation = incarnationOf(key, tok)
    const waiting = pending.get(incarnation) ?? 0
    if (waiting >= MAX_PENDING_POSTS)
      return tooFast('Too many POSTs of this session wait for their turn')
    pending.set(incarnation, waiting + 1)
    try {
      await applying.inTurn(incarnation, deliver)
    } finally {
      const left = (pending.get(incarnation) ?? 1) - 1
      if (left) pending.set(incarnation, left)
      else pending.delete(incarnation)
    }
    return answer
  }
}

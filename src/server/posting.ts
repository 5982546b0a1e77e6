/** Messages sent by POST while no WebSocket gets through: the same session, the same rules. */
import type { WireMessage } from '../protocol/wire.ts'
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
import type { Counters } from './metrics.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { createRecent } from './recent.ts'
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

/** Senders by POST, and addresses of new ones, whose rate is remembered. */
const MOST_SENDERS = 10_000

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

export const createPosting = (host: PostingHost): Posting => {
  const { settings, sessions, applying, environment, counters } = host
  // By incarnation, which only its owner can name. Beyond the most, the one that was silent longest goes.
  const senders = createRecent<RateLimit>(MOST_SENDERS)
  const addresses = createRecent<RateLimit>(MOST_SENDERS)

  const newRate = (): RateLimit => createRateLimit(settings.rateLimit, environment.monotonicNow)

  /** Whoever invents one `sid` after the other would have a rate of its own for each. */
  const mayMakeContact = (address: string): boolean => {
    const mayPass = addresses.get(address) ?? newRate()
    addresses.set(address, mayPass)
    return mayPass() === 'pass'
  }

  return async (text, user, address) => {
    counters.posts++
    const post = read(text)
    if (!post) {
      return {
        status: 400,
        body: { error: 'Expected { sid, tok?, gen, messages: [{ type, seq, ... }] }' },
      }
    }
    const { sid, tok, gen, elements } = post
    const key = JSON.stringify([user ?? '', sid])
    const known = tok === undefined ? undefined : senders.get(incarnationOf(key, tok))
    if (!known && !mayMakeContact(address)) {
      counters.rateLimited++
      return { status: 429, body: { error: 'Too many new senders' }, retryAfterSeconds: 1 }
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
      const mayPass = known ?? newRate()
      senders.set(incarnation, mayPass)
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
      // Who has not shown the current `tok` has only made contact.
      if (record.tok === tok) {
        const client: ServerClient = {
          id: sid,
          user,
          address,
          channels: [],
          send: reply,
          close() {},
        }
        for (const { message, bad } of elements) {
          counters.received++
          limited = mayPass() !== 'pass'
          if (limited) counters.rateLimited++
          if (limited) break
          const place = { key, tok, seq: placeOf(message) as number }
          const sender = { user, client }
          const applied = await (bad
            ? refuseAt(applying, bad, place, sender)
            : applying.applyAt(message as unknown as WireMessage, place, sender))
          if (applied.lost) break
          ack = applied.ack ?? ack
          if (applied.refused) refused.push(applied.refused)
          if (applied.reply) {
            reply({ ...applied.reply, ...replyTo(message) })
          }
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
    // Whoever presents no `tok` applies nothing, and waits for nobody.
    if (tok === undefined) await deliver()
    else await applying.inTurn(incarnationOf(key, tok), deliver)
    return answer
  }
}

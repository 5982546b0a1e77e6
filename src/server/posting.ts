/** Messages sent by POST while no WebSocket gets through: the same session, the same rules. */
import { LONGEST_ID, type WireMessage } from '../protocol/wire.ts'
import type { Applying } from './applying.ts'
import type { ServerEnvironment } from './environment.ts'
import { forLog } from './gate.ts'
import type { Counters } from './metrics.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import type { Refused, Sessions } from './sessions.ts'

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
  /** Closes the connections of this session that are older. */
  replaces(session: string): void
}

type Fields = Readonly<Record<string, unknown>>

const SID = /^[\w-]{16,64}$/
/** Senders by POST, and addresses of new ones, whose rate is remembered. */
const MOST_SENDERS = 10_000

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Somebody who sends by POST. */
interface Sender {
  /** The `tok` that it was told last. */
  readonly tok: string
  readonly mayPass: RateLimit
}

interface Post {
  readonly sid: string
  readonly tok: string | undefined
  readonly gen: number
  readonly messages: readonly (WireMessage & { readonly seq: number })[]
}

const isMessage = (value: unknown): boolean => {
  if (!isObject(value)) return false
  const { type, id, seq, data } = value
  const place = type === 'skip' && seq === undefined && isObject(data) ? data['seq'] : seq
  return (
    typeof type === 'string' &&
    type.length > 0 &&
    type.length <= 64 &&
    (id === undefined || (typeof id === 'string' && id.length > 0 && id.length <= LONGEST_ID)) &&
    Number.isSafeInteger(place) &&
    (place as number) >= 1
  )
}

const read = (text: string): Post | undefined => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(given)) return undefined
  const { sid, tok, gen, messages = [] } = given
  const good =
    typeof sid === 'string' &&
    SID.test(sid) &&
    (tok === undefined || typeof tok === 'string') &&
    Number.isSafeInteger(gen) &&
    (gen as number) >= 0 &&
    Array.isArray(messages) &&
    messages.length <= 1000 &&
    messages.every(isMessage)
  return good ? (given as unknown as Post & { messages: Post['messages'] }) : undefined
}

export const createPosting = (host: PostingHost): Posting => {
  const { settings, sessions, applying, environment, counters } = host
  const senders = new Map<string, Sender>()
  const addresses = new Map<string, RateLimit>()

  const newRate = (): RateLimit => createRateLimit(settings.rateLimit, environment.monotonicNow)

  /** As the newest; beyond the most, the one that was silent longest goes. */
  const remember = <Value>(map: Map<string, Value>, key: string, value: Value): Value => {
    map.delete(key)
    map.set(key, value)
    if (map.size > MOST_SENDERS) map.delete(map.keys().next().value as string)
    return value
  }

  /** Whoever invents one `sid` after the other would have a rate of its own for each. */
  const mayMakeContact = (address: string): boolean =>
    remember(addresses, address, addresses.get(address) ?? newRate())() === 'pass'

  return async (text, user, address) => {
    counters.posts++
    const post = read(text)
    if (!post) {
      return {
        status: 400,
        body: { error: 'Expected { sid, tok?, gen, messages: [{ type, seq, ... }] }' },
      }
    }
    const { sid, tok, gen, messages = [] } = post
    const key = JSON.stringify([user ?? '', sid])
    const known = senders.get(key)
    if ((tok === undefined || known?.tok !== tok) && !mayMakeContact(address)) {
      counters.rateLimited++
      return { status: 429, body: { error: 'Too many new senders' }, retryAfterSeconds: 1 }
    }
    let answer: PostAnswer = {
      status: 409,
      body: { error: 'A newer connection has replaced this one' },
    }

    await applying.inTurn(key, async () => {
      const record = await sessions.contact(key, { tok, gen, ttlMs: settings.sessionTtlMs })
      if (!record) return
      host.replaces(key)
      const { mayPass } = remember(senders, key, {
        tok: record.tok,
        mayPass: known?.mayPass ?? newRate(),
      })
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
        for (const message of messages) {
          counters.received++
          limited = mayPass() !== 'pass'
          if (limited) counters.rateLimited++
          if (limited) break
          const seq = message.seq ?? (message.data as { seq: number }).seq
          const applied = await applying.applyAt(message, { key, tok, seq }, { user, client })
          if (applied.lost) break
          ack = applied.ack ?? ack
          if (applied.refused) refused.push(applied.refused)
          if (applied.reply) {
            reply({
              ...applied.reply,
              ...(message.id !== undefined && { replyTo: message.id }),
            })
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
          ...(limited && { retryAfterMs: 1000 }),
        },
      }
    })
    return answer
  }
}

/** Messages sent by POST while no WebSocket gets through: the same session, the same rules. */
import type { WireMessage } from '../../protocol/wire-types.ts'
import { type Applied, type Applying, refuseSequenced } from '../apply.ts'
import {
  incarnationOf,
  type Refused,
  type SessionRecord,
  type SessionStore,
} from '../broker/session-store.ts'
import type { ServerEnvironment } from '../environment.ts'
import { forLog } from '../logging.ts'
import type { Counters } from '../metrics.ts'
import type { ServerClient, ServerSettings } from '../options.ts'
import {
  type Element,
  type Greeting,
  greetingIn,
  isObject,
  isSeq,
  readElement,
  replyTo,
  seqOf,
} from '../protocol/parse.ts'
import type { RateLimit } from '../rate-limit.ts'
import { createHttpRates } from './http-rates.ts'

export interface PostAnswer {
  readonly status: number
  readonly body: unknown
  readonly retryAfterSeconds?: number
}

/** Applies a body `{ sid, tok?, gen, messages }` of this user. Rejects while the store is away. */
export type PostMessages = (
  text: string,
  user: string | null,
  address: string,
) => Promise<PostAnswer>

export interface PostMessagesDeps {
  readonly settings: ServerSettings
  readonly store: SessionStore
  readonly applying: Applying
  readonly environment: ServerEnvironment
  readonly counters: Counters
  /** Something failed that the server survives. */
  onError(error: unknown): void
  /** A client was here with this `gen`: older connections of the incarnation are closed. */
  onContact(incarnation: string, gen: number): void
}

interface Post extends Greeting {
  readonly elements: readonly Element[]
}

/** The sender of a POST. */
interface PostSender {
  /** The key of its sessions: user and `sid`. */
  readonly key: string
  readonly user: string | null
  readonly address: string
  readonly mayPass: RateLimit
  /** The verdict of `mayPass` on the first message, if it is known already. */
  readonly first: ReturnType<RateLimit> | undefined
}

/** The outcome of the messages of one POST. */
interface Outcome {
  ack: number
  readonly refused: Refused[]
  readonly replies: Partial<WireMessage>[]
  /** The rate limit was reached: the rest was not applied. */
  limited: boolean
}

const MAX_MESSAGES = 1000

/** POSTs of one incarnation that may wait for each other. A client has one under way, and perhaps one that it gave up. */
const MAX_PENDING_POSTS = 8

const REPLACED: PostAnswer = {
  status: 409,
  body: { error: 'A newer connection has replaced this one' },
}

const MALFORMED: PostAnswer = {
  status: 400,
  body: { error: 'Expected { sid, tok?, gen, messages: [{ type, seq, ... }] }' },
}

/** A malformed message is refused at its `seq`; one without a valid `seq` makes the whole body unusable. */
const readPost = (text: string): Post | undefined => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return undefined
  }
  const greeting = isObject(body) && greetingIn(body)
  if (!isObject(body) || !greeting) return undefined
  const { messages = [] } = body
  if (!Array.isArray(messages) || messages.length > MAX_MESSAGES) return undefined
  const elements = messages.map(readElement)
  return elements.every(({ message }) => isSeq(seqOf(message)))
    ? { ...greeting, elements }
    : undefined
}

/** Counts what is under way by name. */
const createPending = () => {
  const counts = new Map<string, number>()
  return {
    /** Runs unless too many are under way; `false` then. */
    async within(name: string, max: number, run: () => Promise<void>): Promise<boolean> {
      const count = counts.get(name) ?? 0
      if (count >= max) return false
      counts.set(name, count + 1)
      try {
        await run()
      } finally {
        const left = (counts.get(name) ?? 1) - 1
        if (left) counts.set(name, left)
        else counts.delete(name)
      }
      return true
    },
  }
}

/** Applies the messages of one POST, one after the other, as far as rate and time allow. */
const applyAll = async (
  { settings, applying, environment, counters, onError }: PostMessagesDeps,
  { sid, elements }: Post,
  { key, user, address, mayPass, first }: PostSender,
  { tok, last, refused }: SessionRecord,
): Promise<Outcome> => {
  const outcome: Outcome = { ack: last, refused: [...refused], replies: [], limited: false }

  const reply = (message: Partial<WireMessage>): void => {
    try {
      // A reply that JSON cannot hold would take the whole answer with it.
      JSON.stringify(message)
      outcome.replies.push(message)
    } catch (error) {
      settings.logger.error?.(`An answer to ${forLog(sid)} failed: ${forLog(error)}`)
      onError(error)
    }
  }

  const applyOne = async ({ message, problem }: Element): Promise<Applied> => {
    // Messages that the handler sends after its end come too late for this answer.
    let over = false
    const client: ServerClient = {
      id: sid,
      user,
      address,
      channels: [],
      send: answer => over || reply(answer),
      close() {},
    }
    const slot = { key, tok, seq: seqOf(message) as number }
    const sender = { user, client }
    const applied = await (problem
      ? refuseSequenced(applying, problem, slot, sender)
      : applying.applySequenced(message as unknown as WireMessage, slot, sender))
    over = true
    return applied
  }

  const until = environment.monotonicNow() + settings.handlerTimeoutMs
  for (const [index, element] of elements.entries()) {
    counters.received++
    outcome.limited = ((index === 0 && first) || mayPass()) !== 'pass'
    if (outcome.limited) {
      counters.rateLimited++
      break
    }
    const applied = await applyOne(element)
    if (applied.lost) break
    outcome.ack = applied.ack ?? outcome.ack
    if (applied.refused) outcome.refused.push(applied.refused)
    if (applied.reply) reply({ ...applied.reply, ...replyTo(element.message) })
    // The client has waited long for this answer, and its next connection waits for the end of this POST: it sends the
    // rest again.
    if (applied.refused?.code === 'TIMEOUT' || environment.monotonicNow() >= until) break
  }
  return outcome
}

export const createPostMessages = (deps: PostMessagesDeps): PostMessages => {
  const { settings, store, applying, environment, counters } = deps
  /** By incarnation, which only its owner can name. */
  const senders = createHttpRates(settings.rateLimit, environment.monotonicNow)
  /** For senders without one: a client that invents one `sid` after the other would have a new rate for each. */
  const addresses = createHttpRates(settings.rateLimit, environment.monotonicNow)
  const pending = createPending()

  const tooFast = (error: string): PostAnswer => {
    counters.rateLimited++
    return { status: 429, body: { error }, retryAfterSeconds: 1 }
  }

  /** Contacts the session and applies the messages. `known`: the rate of an incarnation that is known here. */
  const answerTo = async (
    post: Post,
    given: Omit<PostSender, 'mayPass'>,
    known: RateLimit | undefined,
  ): Promise<PostAnswer> => {
    const { tok, gen } = post
    const { sessionTtlMs } = settings
    const record = await store.contact(given.key, { tok, gen, ttlMs: sessionTtlMs })
    if (!record) return REPLACED
    const incarnation = incarnationOf(given.key, record.tok)
    deps.onContact(incarnation, gen)
    const mayPass = known ?? senders.of(incarnation)
    senders.keep(incarnation, mayPass)
    // A contact without the current `tok` applies nothing.
    const elements = record.tok === tok ? post.elements : []
    const outcome = await applyAll(deps, { ...post, elements }, { ...given, mayPass }, record)
    const { ack, refused, replies, limited } = outcome
    return {
      status: 200,
      body: {
        tok: record.tok,
        ack,
        refused,
        messages: replies,
        sessionTtlMs,
        ...(limited && { retryAfterMs: 1000 }),
      },
    }
  }

  return async (text, user, address) => {
    counters.posts++
    const post = readPost(text)
    if (!post) {
      return addresses.of(address)() === 'pass' ? MALFORMED : tooFast('Too many requests')
    }
    const { sid, tok, elements } = post
    const key = JSON.stringify([user ?? '', sid])
    const known = tok === undefined ? undefined : senders.known(incarnationOf(key, tok))
    if (!known && addresses.of(address)() !== 'pass') return tooFast('Too many new senders')
    // Of the first message, or of a contact without any, before the store has any work with it.
    const first = known?.()
    if (first === 'abuse' || (first && first !== 'pass' && !elements.length)) {
      return tooFast('Rate limit exceeded. Please slow down.')
    }
    const sender = { key, user, address, first }
    // A contact without a `tok` applies nothing, and waits for no other.
    if (tok === undefined) return answerTo(post, sender, known)
    const incarnation = incarnationOf(key, tok)
    let answer: PostAnswer = REPLACED
    const isIn = await pending.within(incarnation, MAX_PENDING_POSTS, () =>
      applying.exclusive(incarnation, async () => {
        answer = await answerTo(post, sender, known)
      }),
    )
    return isIn ? answer : tooFast('Too many POSTs of this session wait for their turn')
  }
}

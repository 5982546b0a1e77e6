/** Applies what clients send: each message once, in the order of its session, one at a time. */
import { RESERVED_TYPES } from '../protocol/constants.ts'
import type { WireMessage } from '../protocol/wire-types.ts'
import { isObject } from './frame.ts'
import { forLog } from './gate.ts'
import { type Counters, countRefusal } from './metrics.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import type { Refused, Sessions } from './sessions.ts'
import { TimeLimitError, type TimeLimits } from './time-limit.ts'

/** A refusal that is told to the sender. */
export class Refusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Who a message comes from. */
export interface Sender {
  readonly user: string | null
  readonly client: ServerClient
}

/** The place a sequenced message wants. */
export interface Place {
  readonly key: string
  readonly tok: string
  readonly seq: number
}

/** What became of a sequenced message. */
export interface Applied {
  /** Everything up to here is applied; undefined: the message came too early and is ignored. */
  readonly ack?: number
  readonly refused?: Refused
  /** What the application answers. */
  readonly reply?: Partial<WireMessage> | undefined
  /** The session is another one by now. */
  readonly lost?: true
}

export interface Applying {
  /** Lets one piece of work of a session or connection begin after the one before it has ended. */
  inTurn(key: string, run: () => Promise<void>): Promise<void>
  /** Applies a message without a sequence; throws a `Refusal`. */
  apply(message: WireMessage, sender: Sender): Promise<Partial<WireMessage> | undefined>
  /**
   * Applies a message at its place; `skip` only uses the place up. `own` is done for a reserved type, which
   * never reaches the application. To be called in turn.
   */
  applyAt(
    message: WireMessage,
    place: Place,
    sender: Sender,
    own?: (() => unknown) | undefined,
  ): Promise<Applied>
}

const asRefusal = (thrown: unknown): Refusal => {
  if (thrown instanceof Refusal) return thrown
  return thrown instanceof TimeLimitError
    ? new Refusal('TIMEOUT', thrown.message)
    : new Refusal('INTERNAL', 'The message could not be handled')
}

export const createApplying = (
  settings: ServerSettings,
  sessions: Sessions,
  handle: (message: WireMessage, client: ServerClient) => unknown,
  counters: Counters,
  timeLimits: TimeLimits,
): Applying => {
  const works = new Map<string, Promise<void>>()

  const run = async (
    message: WireMessage,
    { user, client }: Sender,
    isOver: () => boolean,
  ): Promise<Partial<WireMessage> | undefined> => {
    const { type, data, channel } = message
    if (!(await settings.authorize(user, 'send', channel ?? type))) {
      throw new Refusal('FORBIDDEN', 'You may not send this')
    }
    // Refused meanwhile: it must not be applied after all.
    if (isOver()) return undefined
    const answer = type === 'echo' ? { data } : await handle(message, client)
    if (!isOver()) counters.applied++
    return isObject(answer) ? { type, ...answer } : undefined
  }

  const apply: Applying['apply'] = async (message, sender) => {
    const { client } = sender
    try {
      return await timeLimits.within(settings.handlerTimeoutMs, 'onMessage', isOver =>
        run(message, sender, isOver),
      )
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) {
        settings.logger.error?.(`A message of ${forLog(client.id)} failed: ${forLog(thrown)}`)
      }
      throw asRefusal(thrown)
    }
  }

  return {
    async inTurn(key, run) {
      const before = works.get(key)
      const mine = (before ?? Promise.resolve()).then(run)
      const settled = mine.catch(() => {})
      works.set(key, settled)
      settled.then(() => {
        if (works.get(key) === settled) works.delete(key)
      })
      return mine
    },
    apply,
    async applyAt(message, { key, tok, seq }, sender, own) {
      const last = await sessions.begin(key, tok, seq)
      if (last === undefined) return { lost: true }
      if (seq <= last) return { ack: last }
      if (seq > last + 1) return {}
      let reply: Partial<WireMessage> | undefined
      let refused: Refused | undefined
      try {
        if (RESERVED_TYPES.includes(message.type)) await own?.()
        else reply = await apply(message, sender)
      } catch (thrown) {
        const { code, message: words } = asRefusal(thrown)
        countRefusal(counters, code)
        refused = { seq, code, message: words }
      }
      if (!(await sessions.advance(key, tok, seq, refused))) return { lost: true }
      return { ack: seq, reply, ...(refused && { refused }) }
    },
  }
}

/** Refuses at its place a message that is none. To be called in turn. */
export const refuseAt = (
  applying: Applying,
  words: string,
  place: Place,
  sender: Sender,
): Promise<Applied> =>
  applying.applyAt({ type: 'skip' }, place, sender, () => {
    throw new Refusal('BAD_MESSAGE', words)
  })

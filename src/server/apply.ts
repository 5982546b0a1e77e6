/** Applies the messages of clients: each once, in the order of its session, one at a time. */
import { RESERVED_TYPES } from '../protocol/constants.ts'
import type { WireMessage } from '../protocol/wire-types.ts'
import type { Refused, SessionStore } from './broker/session-store.ts'
import { forLog } from './logging.ts'
import { type Counters, countRefusal } from './metrics.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import { isObject } from './protocol/parse.ts'
import { TimeLimitError, type TimeLimits } from './time-limits.ts'

/** A message was refused; code and message are sent to its sender. */
export class MessageRefused extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The client that sent a message. */
export interface Sender {
  readonly user: string | null
  readonly client: ServerClient
}

/** The `seq` of a message in one incarnation of a session. */
export interface SequenceSlot {
  readonly key: string
  readonly tok: string
  readonly seq: number
}

/** The outcome of a sequenced message. */
export interface Applied {
  /** Everything up to here is applied; `undefined`: the message came before its turn and is ignored. */
  readonly ack?: number
  readonly refused?: Refused
  /** The reply of the application. */
  readonly reply?: Partial<WireMessage> | undefined
  /** The incarnation is gone, or went on to another server. */
  readonly lost?: true
}

export interface Applying {
  /** Runs work under this key after all work before it has ended. The key names a session or a connection. */
  exclusive(key: string, run: () => Promise<void>): Promise<void>
  /** Applies a message without a `seq`. Rejects with `MessageRefused`. */
  apply(message: WireMessage, sender: Sender): Promise<Partial<WireMessage> | undefined>
  /**
   * Applies a message with a `seq`; `skip` only uses it up. `reservedWork` is what a reserved type does, which never
   * reaches the application. To be called within `exclusive`.
   */
  applySequenced(
    message: WireMessage,
    slot: SequenceSlot,
    sender: Sender,
    reservedWork?: (() => unknown) | undefined,
  ): Promise<Applied>
}

export interface ApplyingDeps {
  readonly settings: ServerSettings
  readonly store: SessionStore
  readonly counters: Counters
  readonly timeLimits: TimeLimits
  /** The application's handler. */
  onMessage(message: WireMessage, client: ServerClient): unknown
}

const asRefusal = (error: unknown): MessageRefused => {
  if (error instanceof MessageRefused) return error
  return error instanceof TimeLimitError
    ? new MessageRefused('TIMEOUT', error.message)
    : new MessageRefused('INTERNAL', 'The message could not be handled')
}

export const createApplying = (deps: ApplyingDeps): Applying => {
  const { settings, store: sessions, counters, timeLimits } = deps
  /** The last work of each key. */
  const works = new Map<string, Promise<void>>()

  const run = async (
    message: WireMessage,
    { user, client }: Sender,
    isOver: () => boolean,
  ): Promise<Partial<WireMessage> | undefined> => {
    const { type, data, channel } = message
    if (!(await settings.authorize(user, 'send', channel ?? type))) {
      throw new MessageRefused('FORBIDDEN', 'You may not send this')
    }
    // Refused with `TIMEOUT` meanwhile: it must not be applied after all.
    if (isOver()) return undefined
    const answer = type === 'echo' ? { data } : await deps.onMessage(message, client)
    if (!isOver()) counters.applied++
    return isObject(answer) ? { type, ...answer } : undefined
  }

  const apply: Applying['apply'] = async (message, sender) => {
    try {
      return await timeLimits.within(settings.handlerTimeoutMs, 'onMessage', isOver =>
        run(message, sender, isOver),
      )
    } catch (error) {
      if (!(error instanceof MessageRefused)) {
        const { id } = sender.client
        settings.logger.error?.(`A message of ${forLog(id)} failed: ${forLog(error)}`)
      }
      throw asRefusal(error)
    }
  }

  return {
    async exclusive(key, run) {
      const before = works.get(key) ?? Promise.resolve()
      const work = before.then(run)
      const settled = work.catch(() => {})
      works.set(key, settled)
      settled.then(() => {
        if (works.get(key) === settled) works.delete(key)
      })
      return work
    },
    apply,
    async applySequenced(message, { key, tok, seq }, sender, reservedWork) {
      const last = await sessions.begin(key, tok, seq)
      if (last === undefined) return { lost: true }
      if (seq <= last) return { ack: last }
      if (seq > last + 1) return {}
      let reply: Partial<WireMessage> | undefined
      let refused: Refused | undefined
      try {
        if (RESERVED_TYPES.includes(message.type)) await reservedWork?.()
        else reply = await apply(message, sender)
      } catch (error) {
        const { code, message: reason } = asRefusal(error)
        countRefusal(counters, code)
        refused = { seq, code, message: reason }
      }
      if (!(await sessions.advance(key, tok, seq, refused))) return { lost: true }
      return { ack: seq, reply, ...(refused && { refused }) }
    },
  }
}

/** Uses up the `seq` of a malformed message and refuses it with `BAD_MESSAGE`. To be called within `exclusive`. */
export const refuseSequenced = (
  applying: Applying,
  problem: string,
  slot: SequenceSlot,
  sender: Sender,
): Promise<Applied> =>
  applying.applySequenced({ type: 'skip' }, slot, sender, () => {
    throw new MessageRefused('BAD_MESSAGE', problem)
  })

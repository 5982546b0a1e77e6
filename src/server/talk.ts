/** What the server says to one client, and how it ends their connection. */
import { MAX_ID_LENGTH } from '../protocol/constants.ts'
import type { WireMessage } from '../protocol/wire-types.ts'
import type { ServerEnvironment, ServerTimers } from './environment.ts'
import { type Fields, replyTo } from './frame.ts'
import { type Counters, countRefusal } from './metrics.ts'
import type { ServerSettings } from './options.ts'
import { createOutgoing, type ServerSocket } from './outgoing.ts'

export interface TalkHooks {
  readonly socket: ServerSocket
  readonly timers: ServerTimers
  readonly environment: ServerEnvironment
  readonly settings: ServerSettings
  readonly counters: Counters
  failed(thrown: unknown): void
}

export interface Talk {
  send(type: string, data: unknown, more?: Partial<WireMessage>): void
  /** What an application answers to a message. Never throws: what is no JSON is not sent. */
  answer(reply: Partial<WireMessage>, message: Fields): void
  /** Hands over one message as JSON. */
  deliver(text: string): void
  /** Says `error`, about a message. */
  complain(code: string, message: string, about?: Fields, retryAfterMs?: number): void
  /** See `Outgoing`. */
  join(): void
  isBusy(): boolean
  isFull(): boolean
  room(): Promise<void>
  written(): void
  close(code: number, reason: string): void
  terminate(): void
  /** Nothing is said or heard any more. */
  isClosing(): boolean
  ended(): void
}

const TERMINATE_AFTER_MS = 5000
/** What a close frame holds beside its code, in bytes. */
const LONGEST_REASON = 123

/** As much of a reason as fits, cut between two characters: half a one would be three bytes, and too many. */
export const reasonOf = (text: string): string =>
  text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(LONGEST_REASON)).read)

/** Throws a `RangeError` for a code that must not be in a close frame. */
export const requireCloseCode = (code: number): void => {
  const standard = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)
  if (Number.isInteger(code) && (standard || (code >= 3000 && code <= 4999))) return
  const expected = 'a code of 1000 to 1003, 1007 to 1014 or 3000 to 4999'
  throw new RangeError(`close: expected ${expected}, got ${code}`)
}

export const createTalk = (hooks: TalkHooks): Talk => {
  const { socket, timers, environment, settings, counters, failed } = hooks
  const { maxPayload, maxBufferedBytes } = settings
  let closing = false

  const outgoing = createOutgoing({
    socket,
    timers,
    maxPayload,
    maxBufferedBytes,
    tooSlow() {
      if (!closing) counters.slowConsumers++
      close(1013, 'Too slow')
    },
  })

  const deliver = (text: string, own = false): void => {
    if (closing) return
    counters.sent++
    outgoing.deliver(text, own)
  }

  const send = (type: string, data: unknown, more: Partial<WireMessage> = {}): void => {
    if (closing) return
    deliver(JSON.stringify({ type, data, timestamp: environment.now(), ...more }), true)
  }

  const terminate = (): void => socket.terminate()

  const close = (code: number, reason: string): void => {
    if (closing) return
    outgoing.flush()
    if (closing) return
    closing = true
    socket.close(code, reason)
    // A peer that is gone never answers; `ws` alone would wait for 30 s.
    timers.set('terminate', TERMINATE_AFTER_MS, terminate)
  }

  return {
    send,
    answer({ type = 'reply', data, ...more }, message) {
      try {
        send(type, data, { ...more, ...replyTo(message) })
      } catch (thrown) {
        failed(thrown)
      }
    },
    deliver: text => deliver(text),
    complain(code, message, about = {}, retryAfterMs) {
      if (code !== 'RATE_LIMITED') countRefusal(counters, code)
      const { id: name } = about
      const known = typeof name === 'string' ? name.slice(0, MAX_ID_LENGTH) : undefined
      send('error', { code, message, id: known, retryAfterMs })
    },
    join: outgoing.join,
    isBusy: outgoing.isBusy,
    isFull: outgoing.isFull,
    room: outgoing.room,
    written: outgoing.written,
    close,
    terminate,
    isClosing: () => closing,
    ended() {
      closing = true
    },
  }
}

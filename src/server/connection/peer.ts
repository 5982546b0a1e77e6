/** The messages of the server to one client, and the end of their connection. */
import { MAX_ID_LENGTH } from '../../protocol/constants.ts'
import type { WireMessage } from '../../protocol/wire-types.ts'
import { CLOSE_TRY_AGAIN_LATER } from '../close-codes.ts'
import type { ServerEnvironment, ServerTimers } from '../environment.ts'
import { type Counters, countRefusal } from '../metrics.ts'
import type { ServerSettings } from '../options.ts'
import { type Fields, replyTo } from '../protocol/parse.ts'
import type { JoinWindow } from './join-window.ts'
import type { ServerSocket } from './server-socket.ts'
import { WriteBuffer } from './write-buffer.ts'

export interface PeerDeps {
  readonly settings: ServerSettings
  readonly environment: ServerEnvironment
  readonly counters: Counters
  readonly joinWindow: JoinWindow
}

/** How long a client may take to answer a close frame; `ws` alone would wait for 30 s. */
const TERMINATE_AFTER_MS = 5000

export class Peer {
  readonly buffer: WriteBuffer
  readonly #deps: PeerDeps
  readonly #socket: ServerSocket
  readonly #timers: ServerTimers
  readonly #onError: (error: unknown) => void
  #closing = false

  /** `onError`: an error of the application that the connection survives. */
  constructor(
    deps: PeerDeps,
    socket: ServerSocket,
    timers: ServerTimers,
    onError: (error: unknown) => void,
  ) {
    const { maxPayload, maxBufferedBytes } = deps.settings
    this.#deps = deps
    this.#socket = socket
    this.#timers = timers
    this.#onError = onError
    this.buffer = new WriteBuffer({
      socket,
      timers,
      joinWindow: deps.joinWindow,
      maxPayload,
      maxBufferedBytes,
      onTooSlow: () => {
        if (!this.#closing) deps.counters.slowConsumers++
        this.close(CLOSE_TRY_AGAIN_LATER, 'Too slow')
      },
    })
  }

  /** Sends one message to this client alone. Throws a `TypeError` for data that JSON cannot hold. */
  send(type: string, data: unknown, more: Partial<WireMessage> = {}): void {
    if (this.#closing) return
    const timestamp = this.#deps.environment.now()
    this.deliver(Buffer.from(JSON.stringify({ type, data, timestamp, ...more })), true)
  }

  /** Sends the reply of an application to a message. A reply that JSON cannot hold is reported and not sent. */
  sendReply({ type = 'reply', data, ...more }: Partial<WireMessage>, message: Fields): void {
    try {
      this.send(type, data, { ...more, ...replyTo(message) })
    } catch (error) {
      this.#onError(error)
    }
  }

  /** Sends `error`, about a message. */
  sendError(code: string, message: string, about: Fields = {}, retryAfterMs?: number): void {
    if (code !== 'RATE_LIMITED') countRefusal(this.#deps.counters, code)
    const { id } = about
    const known = typeof id === 'string' ? id.slice(0, MAX_ID_LENGTH) : undefined
    this.send('error', { code, message, id: known, retryAfterMs })
  }

  /** Sends one message as JSON. `own`: it was made for this client alone. */
  deliver(message: Buffer, own = false): void {
    if (this.#closing) return
    this.#deps.counters.sent++
    this.buffer.deliver(message, own)
  }

  /** Sends what waits, as far as the socket takes it, and a close frame. Idempotent. */
  close(code: number, reason: string): void {
    if (this.#closing) return
    this.buffer.flush()
    if (this.#closing) return
    this.#closing = true
    this.#socket.close(code, reason)
    this.#timers.set('terminate', TERMINATE_AFTER_MS, () => this.terminate())
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** Nothing is sent or read any more. */
  isClosing(): boolean {
    return this.#closing
  }

  /** The socket is closed. */
  ended(): void {
    this.#closing = true
  }
}

/** One client: the parts of its connection, and which of them handles a message. */
import { nanoid } from 'nanoid'
import { RESERVED_TYPES } from '../../protocol/constants.ts'
import type { WireMessage } from '../../protocol/wire-types.ts'
import { MessageRefused } from '../apply.ts'
import type { Publication } from '../broker/broker.ts'
import {
  CLOSE_TOO_LARGE,
  CLOSE_TRY_AGAIN_LATER,
  closeReasonOf,
  requireCloseCode,
} from '../close-codes.ts'
import { createServerTimers, type ServerTimers } from '../environment.ts'
import { forLog } from '../logging.ts'
import type { Identity, ServerClient } from '../options.ts'
import { costOf, type Fields, readElement, readFrame, replyTo, seqOf } from '../protocol/parse.ts'
import { type Authenticate, Authentication } from './authentication.ts'
import { ChannelStreams } from './channel-streams.ts'
import type { ConnectionContext } from './context.ts'
import { type HeartbeatClient, onPong, startHeartbeat } from './heartbeat.ts'
import { Peer } from './peer.ts'
import { RateGate } from './rate-gate.ts'
import type { ServerSocket } from './server-socket.ts'
import { SessionHandler, type SessionMember } from './session-handler.ts'
import { SubscribeHandler } from './subscribe-handler.ts'

/** Where a connection comes from. */
export interface ConnectionOrigin {
  readonly address: string
  /** The identity that came with the upgrade, if any. */
  readonly identity: Identity | null
  readonly authenticate: Authenticate
}

/** Messages that wait for slow handlers; more are refused as if they came too fast. */
const MAX_PENDING = 1000
/** Bytes of a frame of a client that has not authenticated. */
const MAX_UNAUTHENTICATED_BYTES = 8192
/** Reserved types that may have a `seq` and mean something all the same. */
const SEQUENCED_TYPES = ['subscribe', 'unsubscribe', 'auth']

/** A class, since a server may have very many that are idle: what only some need is made when it is first used. */
export class Connection implements HeartbeatClient, SessionMember {
  readonly id: string = nanoid()
  readonly socket: ServerSocket
  readonly timers: ServerTimers
  readonly peer: Peer
  readonly streams: ChannelStreams
  readonly onError = (error: unknown): void => this.#fail(error)
  readonly #context: ConnectionContext
  readonly #address: string
  readonly #authentication: Authentication
  readonly #rates: RateGate
  readonly #subscribing: SubscribeHandler
  #session: SessionHandler | undefined
  #client: ServerClient | undefined
  /** Messages that are handled or wait for that. */
  #pending = 0

  constructor(
    context: ConnectionContext,
    socket: ServerSocket,
    { address, identity, authenticate }: ConnectionOrigin,
  ) {
    const { settings, environment } = context
    const onFailed = (error: unknown): void => this.#away(error)
    this.#context = context
    this.#address = address
    this.socket = socket
    this.timers = createServerTimers(environment)
    this.peer = new Peer(context, socket, this.timers, error => this.#report(error))
    this.streams = new ChannelStreams(context, this.peer, onFailed)
    this.#authentication = new Authentication(context, this.peer, this.timers, authenticate)
    this.#rates = new RateGate(context, this.peer)
    this.#subscribing = new SubscribeHandler(
      context,
      this.peer,
      this.streams,
      this.#authentication,
      onFailed,
    )
    const { heartbeat, rateLimit, maxPayload } = settings
    this.peer.send('connection', {
      clientId: this.id,
      message: 'Connected to the market data stream',
      serverTime: environment.now(),
      protocol: 1,
      heartbeat,
      rateLimit: rateLimit || undefined,
      maxPayload,
      authRequired: settings.authenticate !== undefined && !identity,
    })
    this.#authentication.start(identity)
    startHeartbeat(context, this)
  }

  /** The client as the application sees it. A plain object: its functions may be taken out of it. */
  get client(): ServerClient {
    this.#client ??= this.#createClient()
    return this.#client
  }

  /** The client has said hello, and knows all of protocol v1. */
  hasSession(): boolean {
    return this.#session?.hasSession() === true
  }

  /** Sends one message. Throws a `TypeError` for data that JSON cannot hold. */
  send(type: string, data: unknown, more?: Partial<WireMessage>): void {
    this.peer.send(type, data, more)
  }

  close(code: number, reason: string): void {
    this.peer.close(code, reason)
  }

  terminate(): void {
    this.peer.terminate()
  }

  /** A frame came; `undefined` for a binary one. */
  received(text: string | undefined, bytes: number): void {
    try {
      this.#read(text, bytes)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A ping frame came; `ws` has answered it already. */
  pinged(): void {
    this.#rates.passesPing()
  }

  /** A pong came, as a frame or as a message. */
  ponged(): void {
    if (this.#rates.passesPong()) onPong(this)
  }

  /** The socket is closed. */
  ended(): void {
    this.peer.ended()
    this.#session?.end()
    this.timers.clearAll()
    this.streams.end()
  }

  #createClient(): ServerClient {
    const { id, peer, streams } = this
    const authentication = this.#authentication
    return {
      id,
      address: this.#address,
      get user() {
        return authentication.user()
      },
      get channels() {
        return streams.names()
      },
      send: ({ type, data, ...more }: Publication) => peer.send(type, data, more),
      close(code = 1000, reason = '') {
        requireCloseCode(code)
        peer.close(code, closeReasonOf(`${reason}`))
      },
    }
  }

  #report(error: unknown): void {
    const { settings, onError } = this.#context
    settings.logger.error?.(`Connection ${this.id}: ${forLog(error)}`)
    onError(error)
  }

  #fail(error: unknown): void {
    this.#report(error)
    this.peer.sendError('INTERNAL', 'The message could not be handled')
  }

  /** The broker is away, for instance: the client comes back, to this server or another, and asks again. */
  #away(error: unknown): void {
    this.#fail(error)
    this.close(CLOSE_TRY_AGAIN_LATER, 'Try again later')
  }

  #read(text: string | undefined, bytes: number): void {
    if (this.peer.isClosing()) return
    if (this.#authentication.isMissing() && bytes > MAX_UNAUTHENTICATED_BYTES) {
      return this.close(CLOSE_TOO_LARGE, 'Too large before authentication')
    }
    const frame = readFrame(text)
    if (!frame.elements.length) {
      if (this.#rates.passes({}, frame.count) && frame.problem) {
        this.peer.sendError('BAD_MESSAGE', frame.problem)
      }
      return
    }
    for (const element of frame.elements) if (!this.peer.isClosing()) this.#onElement(element)
  }

  #onElement(element: unknown): void {
    const { message, type, problem } = readElement(element)
    const isUnsequenced = message['seq'] === undefined
    if (type === 'pong' && isUnsequenced) return this.ponged()
    if (!this.#rates.passes(message, costOf(type, message))) return
    if (type === 'ping' && isUnsequenced && !problem) {
      return this.peer.send('pong', message['data'], replyTo(message))
    }
    this.#enqueue(message, type, problem)
  }

  /** One message is done before the next begins: the token sent just before may still be checked. */
  #enqueue(message: Fields, type: string, problem?: string): void {
    if (this.#pending >= MAX_PENDING) return this.#rates.refuse(message)
    this.#pending++
    const early = !this.#session?.isWelcomed()
    const run = async (): Promise<void> => {
      if (!this.socket.isOpen() || this.peer.isClosing()) return
      await this.#handle(message, type, early, problem)
    }
    this.#context.applying
      .exclusive(this.id, run)
      .catch(error => {
        if (error instanceof MessageRefused) {
          this.peer.sendError(error.code, error.message, message)
        } else this.#away(error)
      })
      .finally(() => this.#pending--)
  }

  /** `problem`: the message is malformed, and at most its `seq` is used up. */
  async #handle(message: Fields, type: string, early: boolean, problem?: string): Promise<void> {
    const { peer } = this
    if (type !== 'auth' && type !== 'hello' && this.#authentication.isMissing()) {
      return peer.sendError('UNAUTHORIZED', 'Authenticate first', message)
    }
    const isSequenced = type === 'skip' || seqOf(message) !== undefined
    if (isSequenced && this.#session?.hasSession()) {
      return this.#session.onSequenced(message, early, problem)
    }
    if (problem) return peer.sendError('BAD_MESSAGE', problem)
    // Nothing with a `seq` is applied for a client that has not said which session it is of.
    if (isSequenced && type !== 'skip') {
      return peer.sendError('BAD_MESSAGE', 'seq: expected hello before it', message)
    }
    if (type === 'hello') return this.#sessionHandler().onHello(message)
    if (SEQUENCED_TYPES.includes(type)) await this.#onReserved(type, message)
    else if (!RESERVED_TYPES.includes(type)) await this.#exclusive(() => this.#apply(message))
  }

  #onReserved(type: string, message: Fields): Promise<void> | void {
    if (type === 'auth') return this.#authentication.onAuth(message)
    if (type === 'subscribe') return this.#subscribing.onSubscribe(message)
    return this.#subscribing.onUnsubscribe(message)
  }

  #exclusive(run: () => Promise<void>): Promise<void> {
    return this.#session ? this.#session.exclusive(run) : run()
  }

  async #apply(message: Fields): Promise<void> {
    const { client } = this
    const sender = { user: client.user, client }
    const reply = await this.#context.applying.apply(message as unknown as WireMessage, sender)
    if (reply) this.peer.sendReply(reply, message)
  }

  #sessionHandler(): SessionHandler {
    const { settings, broker, sessions, applying } = this.#context
    this.#session ??= new SessionHandler({
      settings,
      store: broker.sessions,
      registry: sessions,
      applying,
      timers: this.timers,
      peer: this.peer,
      authentication: this.#authentication,
      subscribing: this.#subscribing,
      streams: this.streams,
      client: this.client,
      member: this,
      // An application may send these by its own hand.
      reservedWork: message => {
        const type = `${message['type']}`
        return SEQUENCED_TYPES.includes(type) ? () => this.#onReserved(type, message) : undefined
      },
      onError: this.onError,
    })
    return this.#session
  }
}

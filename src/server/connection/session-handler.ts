/** Protocol v1 on one connection: `hello`, `welcome`, and messages with a `seq`. */
import { MAX_IN_FLIGHT } from '../../protocol/constants.ts'
import type { WireMessage } from '../../protocol/wire-types.ts'
import { type Applying, refuseSequenced } from '../apply.ts'
import { incarnationOf, type SessionRecord, type SessionStore } from '../broker/session-store.ts'
import { CLOSE_REPLACED, CLOSE_RESTART } from '../close-codes.ts'
import type { ServerTimers } from '../environment.ts'
import type { ServerClient, ServerSettings } from '../options.ts'
import {
  dataOf,
  type Fields,
  type Greeting,
  greetingIn,
  isSeq,
  replyTo,
  seqOf,
} from '../protocol/parse.ts'
import type { Authentication } from './authentication.ts'
import type { ChannelStreams } from './channel-streams.ts'
import type { Peer } from './peer.ts'
import type { SubscribeHandler } from './subscribe-handler.ts'

/** A connection as the registry of sessions sees it. */
export interface SessionMember {
  close(code: number, reason: string): void
}

/** The connections of each incarnation of a session. */
export interface SessionRegistry {
  /** This connection is the newest of its incarnation: those with a lower `gen` are closed. */
  join(incarnation: string, gen: number, member: SessionMember): void
  leave(incarnation: string, member: SessionMember): void
}

export interface SessionHandlerDeps {
  readonly settings: ServerSettings
  readonly store: SessionStore
  readonly registry: SessionRegistry
  readonly applying: Applying
  readonly timers: ServerTimers
  readonly peer: Peer
  readonly authentication: Authentication
  readonly subscribing: SubscribeHandler
  readonly streams: ChannelStreams
  readonly client: ServerClient
  readonly member: SessionMember
  /** The work of a reserved type that may have a `seq`, if it has any. */
  reservedWork(message: Fields): (() => unknown) | undefined
  /** The store is away. */
  onError(error: unknown): void
}

interface Session {
  readonly key: string
  readonly tok: string
  readonly incarnation: string
  /** The client has presented the `tok`: its messages are meant for this incarnation. */
  readonly presented: boolean
  unpin(): void
}

export class SessionHandler {
  readonly #deps: SessionHandlerDeps
  #session: Session | undefined
  /** The last `seq` that was acknowledged, or is about to be. */
  #acked = 0
  #welcomed = false

  constructor(deps: SessionHandlerDeps) {
    this.#deps = deps
  }

  /** The client has said hello, and its session was found or made. */
  hasSession(): boolean {
    return this.#session !== undefined
  }

  /** `welcome` was sent. */
  isWelcomed(): boolean {
    return this.#welcomed
  }

  async onHello(message: Fields): Promise<void> {
    const { settings, peer, authentication, applying, client } = this.#deps
    const { token } = dataOf(message)
    const greeting = greetingIn(dataOf(message))
    if (!greeting) {
      return peer.sendError('BAD_MESSAGE', 'hello: expected { sid, gen, channels }', message)
    }
    if (this.#session) {
      return peer.sendError('BAD_MESSAGE', 'hello: this connection has a session', message)
    }
    if (settings.authenticate && typeof token === 'string') {
      if (!(await authentication.verify(token))) return
    }
    if (authentication.isMissing()) {
      return peer.sendError('UNAUTHORIZED', 'Authenticate first', message)
    }
    const { sid, tok } = greeting
    const key = JSON.stringify([client.user ?? '', sid])
    const start = (): Promise<void> => this.#start(key, greeting, message)
    // Messages of older connections of this incarnation come first, so that the ack covers all of them. A client
    // without a `tok` waits for no other.
    if (tok === undefined) await start()
    else await applying.exclusive(incarnationOf(key, tok), start)
  }

  /** Runs work of this session while nothing else of it runs; at once where there is no session. */
  exclusive(run: () => Promise<void>): Promise<void> {
    return this.#session ? this.#deps.applying.exclusive(this.#session.incarnation, run) : run()
  }

  /**
   * Applies a message with a `seq`. `early`: it came before `welcome` was sent. `problem`: the message is malformed, and only
   * its `seq` is used up.
   */
  async onSequenced(message: Fields, early: boolean, problem?: string): Promise<void> {
    const session = this.#session as Session
    const { peer, applying, client, reservedWork } = this.#deps
    // The client sent it for an incarnation that does not exist any more.
    if (early && !session.presented) return
    const { key, tok, incarnation } = session
    const seq = seqOf(message)
    if (!isSeq(seq)) {
      return peer.sendError('BAD_MESSAGE', 'seq: expected a whole number from 1', message)
    }
    const slot = { key, tok, seq }
    const sender = { user: client.user, client }
    await applying.exclusive(incarnation, async () => {
      // Replaced while it waited: the client sends the message again on its new connection, and gets the ack there.
      if (peer.isClosing()) return
      // Duplicates are acknowledged from memory: a resent batch must not cost a store round trip each.
      if (seq <= this.#acked) return this.#acknowledge(seq)
      const applied = await (problem
        ? refuseSequenced(applying, problem, slot, sender)
        : applying.applySequenced(
            message as unknown as WireMessage,
            slot,
            sender,
            reservedWork(message),
          ))
      // Not final: the client connects again, and its next hello tells what became of the session.
      if (applied.lost) return peer.close(CLOSE_RESTART, 'The session is gone')
      if (applied.refused) peer.send('nack', applied.refused, replyTo(message))
      if (applied.reply) peer.sendReply(applied.reply, message)
      if (applied.ack !== undefined) this.#acknowledge(applied.ack)
    })
  }

  /** The connection is closed; its session lives on for `sessionTtlMs`. */
  end(): void {
    const session = this.#session
    if (!session) return
    const { timers, registry, member } = this.#deps
    this.#touch()
    timers.clear('touch')
    session.unpin()
    registry.leave(session.incarnation, member)
  }

  async #start(key: string, { tok, gen }: Greeting, message: Fields): Promise<void> {
    const { settings, store, peer, authentication, subscribing, streams } = this.#deps
    const { sessionTtlMs } = settings
    const record = await store.contact(key, { tok, gen, ttlMs: sessionTtlMs })
    if (!record) return peer.close(CLOSE_REPLACED, 'Replaced by a newer connection')
    // The connection was closed meanwhile: nothing would leave the session again.
    if (peer.isClosing()) return
    this.#join(key, record, gen, record.tok === tok)
    authentication.cancelDeadline()
    peer.buffer.enableArrays()
    const channels = await subscribing.permitted(message)
    await streams.subscribeFrom(channels, recoveries => {
      peer.send('welcome', {
        tok: record.tok,
        ack: record.last,
        refused: record.refused,
        sessionTtlMs,
        maxInFlight: MAX_IN_FLIGHT,
        channels: recoveries,
      })
      this.#welcomed = true
    })
  }

  #join(key: string, { tok, last }: SessionRecord, gen: number, presented: boolean): void {
    const { store, registry, member, settings, timers } = this.#deps
    const incarnation = incarnationOf(key, tok)
    const unpin = store.pin?.(key, tok) ?? (() => {})
    this.#session = { key, tok, incarnation, presented, unpin }
    this.#acked = last
    timers.set('touch', settings.sessionTtlMs / 2, () => this.#touch())
    registry.join(incarnation, gen, member)
  }

  /** The session lives as long as its connection, and for `sessionTtlMs` after that. */
  #touch(): void {
    const { store, settings, timers, onError } = this.#deps
    const { key, tok } = this.#session as Session
    store.touch(key, tok, settings.sessionTtlMs).catch(onError)
    timers.set('touch', settings.sessionTtlMs / 2, () => this.#touch())
  }

  /** Acks are cumulative: those of one moment travel as one. */
  #acknowledge(seq: number): void {
    const { timers, peer } = this.#deps
    this.#acked = Math.max(this.#acked, seq)
    if (timers.has('ack')) return
    timers.set('ack', 0, () => peer.send('ack', { seq: this.#acked }))
  }
}

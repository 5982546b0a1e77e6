/** Protocol v1 on one connection: its session, and messages with a place in it. */
import type { WireMessage } from '../protocol/wire-types.ts'
import type { Admission } from './admission.ts'
import { type Applying, refuseAt } from './applying.ts'
import type { ServerTimers } from './environment.ts'
import { dataOf, type Fields, greetingIn, isPlace, placeOf, replyTo } from './frame.ts'
import type { Listening } from './listening.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import { incarnationOf, MOST_IN_FLIGHT, type Sessions } from './sessions.ts'
import type { Subscribing } from './subscribing.ts'
import type { Talk } from './talk.ts'

export interface SequenceHooks {
  readonly settings: ServerSettings
  readonly sessions: Sessions
  readonly applying: Applying
  readonly timers: ServerTimers
  readonly talk: Talk
  readonly admission: Admission
  readonly subscribing: Subscribing
  readonly listening: Listening
  readonly client: ServerClient
  /** This connection is the newest of its incarnation; closes those with a lower `gen`. */
  replaces(incarnation: string, gen: number): void
  /** It is none of the incarnation's any more. */
  left(incarnation: string): void
  /** What a reserved type does at its place, if anything. */
  own(message: Fields): (() => unknown) | undefined
  failed(thrown: unknown): void
}

export interface Sequence {
  /** The client has said hello, and was taken. */
  hasSession(): boolean
  /** It was told so. */
  isWelcomed(): boolean
  hello(message: Fields): Promise<void>
  /** Lets work begin when nothing else of the session runs; at once where there is none. */
  inTurn(run: () => Promise<void>): Promise<void>
  /**
   * Applies a message at its place. `early`: it came before the welcome was sent. `bad`: all that is done is to
   * use the place up.
   */
  take(message: Fields, early: boolean, bad?: string): Promise<void>
  /** The connection is gone; its session lives on for its time. */
  end(): void
}

export const createSequence = (hooks: SequenceHooks): Sequence => {
  const { settings, sessions, applying, timers, talk, admission, client } = hooks
  const { sessionTtlMs } = settings
  let session:
    | { readonly key: string; readonly tok: string; readonly incarnation: string }
    | undefined
  let acked = 0
  /** The client has shown the `tok`, so that it knows which incarnation its places are in. */
  let presented = false
  let welcomed = false
  let letGo = (): void => {}

  /** The session lives as long as its connection, and for its time after that. */
  const keep = (): void => {
    if (!session) return
    sessions.touch(session.key, session.tok, sessionTtlMs).catch(hooks.failed)
    timers.set('keep', sessionTtlMs / 2, keep)
  }

  /** Acks are cumulative: those of one moment travel as one. */
  const acknowledge = (seq: number): void => {
    acked = Math.max(acked, seq)
    if (!timers.has('ack')) timers.set('ack', 0, () => talk.send('ack', { seq: acked }))
  }

  return {
    hasSession: () => session !== undefined,
    isWelcomed: () => welcomed,
    async hello(message) {
      const { token } = dataOf(message)
      const greeting = greetingIn(dataOf(message))
      if (!greeting) {
        return talk.complain('BAD_MESSAGE', 'hello: expected { sid, gen, channels }', message)
      }
      if (session) {
        return talk.complain('BAD_MESSAGE', 'hello: this connection has a session', message)
      }
      if (settings.authenticate && typeof token === 'string') {
        if (!(await admission.present(token))) return
      }
      if (admission.isRequired()) {
        return talk.complain('UNAUTHORIZED', 'Authenticate first', message)
      }
      const { sid, tok, gen } = greeting
      const key = JSON.stringify([client.user ?? '', sid])
      const begin = async (): Promise<void> => {
        const record = await sessions.contact(key, { tok, gen, ttlMs: sessionTtlMs })
        if (!record) return talk.close(4409, 'Replaced by a newer connection')
        // Gone meanwhile: nobody would let go of what is taken from here on.
        if (talk.isClosing()) return
        const incarnation = incarnationOf(key, record.tok)
        session = { key, tok: record.tok, incarnation }
        presented = record.tok === tok
        letGo = sessions.hold?.(key, record.tok) ?? letGo
        timers.set('keep', sessionTtlMs / 2, keep)
        acked = record.last
        hooks.replaces(incarnation, gen)
        admission.done()
        talk.join()
        const channels = await hooks.subscribing.permitted(message)
        await hooks.listening.resume(channels, verdicts => {
          talk.send('welcome', {
            tok: record.tok,
            ack: record.last,
            refused: record.refused,
            sessionTtlMs,
            maxInFlight: MOST_IN_FLIGHT,
            channels: verdicts,
          })
          welcomed = true
        })
      }
      // What came on older connections of this incarnation is done first, so that the ack says all of it. Whoever
      // presents no `tok` waits for nobody.
      if (tok === undefined) await begin()
      else await applying.inTurn(incarnationOf(key, tok), begin)
    },
    inTurn: run => (session ? applying.inTurn(session.incarnation, run) : run()),
    async take(message, early, bad) {
      // It is meant for an incarnation that there is no more.
      if (early && !presented) return
      const { key, tok, incarnation } = session as NonNullable<typeof session>
      const seq = placeOf(message)
      if (!isPlace(seq)) {
        return talk.complain('BAD_MESSAGE', 'seq: expected a whole number from 1', message)
      }
      const place = { key, tok, seq }
      const sender = { user: client.user, client }
      await applying.inTurn(incarnation, async () => {
        // Replaced while it waited: the client says it again on its new connection, and hears of it there.
        if (talk.isClosing()) return
        // Who says again what was applied shall not cost the store anything: there may be many of it.
        if (seq <= acked) return acknowledge(seq)
        const applied = await (bad
          ? refuseAt(applying, bad, place, sender)
          : applying.applyAt(message as unknown as WireMessage, place, sender, hooks.own(message)))
        // Not final: the client comes back, and hears then what became of its session.
        if (applied.lost) return talk.close(1012, 'The session is gone')
        if (applied.refused) talk.send('nack', applied.refused, replyTo(message))
        if (applied.reply) talk.answer(applied.reply, message)
        if (applied.ack !== undefined) acknowledge(applied.ack)
      })
    },
    end() {
      keep()
      timers.clear('keep')
      letGo()
      if (session) hooks.left(session.incarnation)
    },
  }
}

/** One client: its heartbeat, and what each of its messages means. */
import { nanoid } from 'nanoid'
import { RESERVED_TYPES } from '../protocol/constants.ts'
import type { WireMessage } from '../protocol/wire-types.ts'
import { createAdmission } from './admission.ts'
import { type Applying, Refusal } from './applying.ts'
import type { Broker, Publication, Published } from './broker.ts'
import { createServerTimers, type ServerEnvironment } from './environment.ts'
import { costOf, type Fields, placeOf, readElement, readFrame, replyTo } from './frame.ts'
import { forLog } from './gate.ts'
import { createListening } from './listening.ts'
import type { Counters } from './metrics.ts'
import type { Identity, ServerClient, ServerSettings } from './options.ts'
import type { ServerSocket } from './outgoing.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { createSequence } from './sequence.ts'
import { createSubscribing } from './subscribing.ts'
import { createTalk, reasonOf, requireCloseCode } from './talk.ts'
import type { TimeLimits } from './time-limit.ts'

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  readonly applying: Applying
  readonly counters: Counters
  readonly timeLimits: TimeLimits
  authenticate(token: string): Promise<Identity | null>
  /** Joins or leaves a channel's listeners. */
  join(channel: string, connection: Connection): void
  leave(channel: string, connection: Connection): void
  /** This connection is the newest of its incarnation of a session; closes those with a lower `gen`. */
  replaces(incarnation: string, gen: number, connection: Connection): void
  /** It is none of the incarnation's any more. */
  left(incarnation: string, connection: Connection): void
  /** Something failed that the server survives. */
  failed(thrown: unknown): void
  closed(connection: Connection): void
}

export interface Connection {
  readonly client: ServerClient
  /** The client has said hello, and knows all of protocol v1. */
  hasSession(): boolean
  /** Something was published on one of its channels. */
  published(published: Published): void
  send(type: string, data: unknown, more?: Partial<WireMessage>): void
  close(code: number, reason: string): void
  terminate(): void
  /** The socket's own words. */
  received(text: string | undefined, bytes: number): void
  /** Frames of WebSocket's own, which are counted, too. */
  pinged(): void
  ponged(): void
  /** Something that was handed to the socket has left. */
  written(): void
  ended(): void
}

/** Messages that wait for slow handlers; more are refused as over the rate. */
const MOST_PENDING = 1000
const UNAUTHENTICATED_BYTES = 8192
const RATE_WORDS = 'Rate limit exceeded. Please slow down.'
const RETRY_AFTER_MS = 1000
/** Pongs a second that count for nothing; more where this server asks more often. */
const FREE_PONGS = 10
/** For each time that it asks, by frame and by message: as many again may come late, at once. */
const PONGS_A_BEAT = 4
/** Ping frames a second that count for nothing. */
const FREE_PINGS = 100
/** Reserved types that may have a place in the sequence and still mean something. */
const SEQUENCED = ['subscribe', 'unsubscribe', 'auth']

export const createConnection = (
  host: ConnectionHost,
  socket: ServerSocket,
  given: { readonly address: string; readonly identity: Identity | null },
): Connection => {
  const { settings, broker, environment, applying, counters, timeLimits } = host
  const { logger, heartbeat, maxPayload, rateLimit } = settings
  const timers = createServerTimers(environment)
  const id = nanoid()
  const mayPass = createRateLimit(rateLimit, environment.monotonicNow)
  const free = (aSecond: number): RateLimit =>
    createRateLimit(rateLimit && { limit: aSecond, perMs: 1000 }, environment.monotonicNow)
  const mayPong = free(Math.max(FREE_PONGS, (PONGS_A_BEAT * 1000) / heartbeat.intervalMs))
  const mayPing = free(FREE_PINGS)

  const report = (thrown: unknown): void => {
    logger.error?.(`Connection ${id}: ${forLog(thrown)}`)
    host.failed(thrown)
  }

  const talk = createTalk({ socket, timers, environment, settings, counters, failed: report })
  const { send, complain, close } = talk
  let pending = 0
  let tooManyToldAt = Number.NEGATIVE_INFINITY

  const failed = (thrown: unknown): void => {
    report(thrown)
    complain('INTERNAL', 'The message could not be handled')
  }

  /** A broker that is away, for instance: the client comes back, here or elsewhere, and asks again. */
  const away = (thrown: unknown): void => {
    failed(thrown)
    close(1013, 'Try again later')
  }

  // ---- heartbeat: by frame, which browsers answer, and by message, which their pages see

  const alive = (): void => timers.clear('pong')

  const ask = async (): Promise<void> => {
    // Where the broker is away the client is asked all the same.
    const heads = await listening.heads().catch(report)
    // The frame asks as well, and a client that is behind is not to be ended for this.
    if (!talk.isFull()) send('ping', { timestamp: environment.now(), heads }, { id: nanoid() })
  }

  const beat = (): void => {
    socket.ping()
    ask().catch(failed)
    // Counted from the first ping without an answer, also where pings come faster than that.
    if (!timers.has('pong')) timers.set('pong', heartbeat.timeoutMs, talk.terminate)
    timers.set('beat', heartbeat.intervalMs, beat)
  }

  // ---- what it may, hears and says

  const client: ServerClient = {
    id,
    address: given.address,
    get user() {
      return admission.user()
    },
    get channels() {
      return listening.channels()
    },
    send: ({ type, data, ...more }: Publication) => send(type, data, more),
    close(code = 1000, reason = '') {
      requireCloseCode(code)
      close(code, reasonOf(`${reason}`))
    },
  }

  const admission = createAdmission({
    settings,
    timers,
    environment,
    talk,
    authenticate: host.authenticate,
  })

  const listening = createListening({
    broker,
    counters,
    join: channel => host.join(channel, connection),
    leave: channel => host.leave(channel, connection),
    deliver: talk.deliver,
    conflates: settings.conflate,
    isFull: talk.isFull,
    isBusy: talk.isBusy,
    room: talk.room,
    failed: away,
    renewed: (channel, verdict) => send('subscribed', { channels: { [channel]: verdict } }),
  })

  const subscribing = createSubscribing({
    settings,
    talk,
    listening,
    timeLimits,
    user: admission.user,
    failed: away,
  })

  const sequence = createSequence({
    settings,
    sessions: broker.sessions,
    applying,
    timers,
    talk,
    admission,
    subscribing,
    listening,
    client,
    replaces: (incarnation, gen) => host.replaces(incarnation, gen, connection),
    left: incarnation => host.left(incarnation, connection),
    // An application may send these by its own hand.
    own: message =>
      SEQUENCED.includes(`${message['type']}`)
        ? () => HANDLERS[`${message['type']}`]?.(message)
        : undefined,
    failed,
  })

  const HANDLERS: Readonly<Record<string, (message: Fields) => unknown>> = {
    auth: admission.auth,
    hello: sequence.hello,
    subscribe: subscribing.subscribe,
    unsubscribe: subscribing.unsubscribe,
  }

  // ---- in

  const apply = async (message: Fields): Promise<void> => {
    const reply = await applying.apply(message as unknown as WireMessage, {
      user: client.user,
      client,
    })
    if (reply) talk.answer(reply, message)
  }

  /** `bad`: what is wrong with the message; all that is done then is to use up its place. */
  const handle = async (
    message: Fields,
    type: string,
    early: boolean,
    bad?: string,
  ): Promise<void> => {
    if (type !== 'auth' && type !== 'hello' && admission.isRequired()) {
      return complain('UNAUTHORIZED', 'Authenticate first', message)
    }
    const sequenced = type === 'skip' || placeOf(message) !== undefined
    if (sequenced && sequence.hasSession()) return sequence.take(message, early, bad)
    if (bad) return complain('BAD_MESSAGE', bad)
    // Nothing that has a place is applied for a client that did not say who it is.
    if (sequenced && type !== 'skip') {
      return complain('BAD_MESSAGE', 'seq: expected hello before it', message)
    }
    if (Object.hasOwn(HANDLERS, type)) await HANDLERS[type]?.(message)
    else if (!RESERVED_TYPES.includes(type)) await sequence.inTurn(() => apply(message))
  }

  /** Told at most once a second, as what is over the rate. */
  const tooMany = (about: Fields): void => {
    counters.rateLimited++
    const time = environment.monotonicNow()
    if (time - tooManyToldAt < RETRY_AFTER_MS) return
    tooManyToldAt = time
    complain('RATE_LIMITED', RATE_WORDS, about, RETRY_AFTER_MS)
  }

  /** One message is done before the next begins: the token sent just before may still be on its way. */
  const queue = (message: Fields, type: string, bad?: string): void => {
    if (pending >= MOST_PENDING) return tooMany(message)
    pending++
    const early = !sequence.isWelcomed()
    const run = async (): Promise<void> => {
      if (socket.isOpen() && !talk.isClosing()) await handle(message, type, early, bad)
    }
    applying
      .inTurn(id, run)
      .catch(thrown => {
        if (thrown instanceof Refusal) complain(thrown.code, thrown.message, message)
        else away(thrown)
      })
      .finally(() => pending--)
  }

  /** False if it comes too fast: its sender is then told, now and then. `cost`: what it counts for. */
  const passes = (about: Fields, cost = 1): boolean => {
    counters.received++
    const verdict = mayPass(cost)
    if (verdict === 'pass') return true
    counters.rateLimited++
    if (verdict === 'abuse') close(1013, 'Rate limit exceeded')
    if (verdict === 'warn') complain('RATE_LIMITED', RATE_WORDS, about, RETRY_AFTER_MS)
    return false
  }

  /** What is free up to a rate of its own counts as a message beyond it. */
  const isFree = (mayPass: RateLimit): boolean => {
    if (mayPass() !== 'pass') return passes({})
    counters.received++
    return true
  }

  const ponged = (): void => {
    if (isFree(mayPong)) alive()
  }

  const take = (element: unknown): void => {
    const { message, type, bad } = readElement(element)
    const unplaced = message['seq'] === undefined
    if (type === 'pong' && unplaced) return ponged()
    if (!passes(message, costOf(type, message))) return
    if (type === 'ping' && unplaced && !bad) send('pong', message['data'], replyTo(message))
    else queue(message, type, bad)
  }

  const read = (text: string | undefined, bytes: number): void => {
    if (talk.isClosing()) return
    if (admission.isRequired() && bytes > UNAUTHENTICATED_BYTES) {
      return close(1009, 'Too large before authentication')
    }
    const frame = readFrame(text)
    if (!frame.elements.length) {
      if (passes({}, frame.count) && frame.bad) complain('BAD_MESSAGE', frame.bad)
      return
    }
    for (const element of frame.elements) if (!talk.isClosing()) take(element)
  }

  const received = (text: string | undefined, bytes: number): void => {
    try {
      read(text, bytes)
    } catch (thrown) {
      failed(thrown)
    }
  }

  const connection: Connection = {
    client,
    hasSession: sequence.hasSession,
    published: listening.published,
    send,
    close,
    terminate: talk.terminate,
    received,
    pinged: () => void isFree(mayPing),
    ponged,
    written() {
      talk.written()
      listening.written()
    },
    ended() {
      talk.ended()
      sequence.end()
      timers.clearAll()
      listening.end()
      host.closed(connection)
    },
  }

  send('connection', {
    clientId: id,
    message: 'Connected to the market data stream',
    serverTime: environment.now(),
    protocol: 1,
    heartbeat,
    rateLimit: rateLimit || undefined,
    maxPayload,
    authRequired: settings.authenticate !== undefined && !given.identity,
  })
  admission.begin(given.identity)
  timers.set('beat', heartbeat.intervalMs, beat)
  return connection
}

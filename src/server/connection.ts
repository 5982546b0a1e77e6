/** One client: its heartbeat, who it is, and what each of its messages means. */
import { nanoid } from 'nanoid'
import { LONGEST_ID, RESERVED_TYPES, type WireMessage } from '../protocol/wire.ts'
import { type Applying, type Place, Refusal } from './applying.ts'
import type { Broker, Position, Publication, Published } from './broker.ts'
import { createServerTimers, type ServerEnvironment } from './environment.ts'
import { forLog } from './gate.ts'
import { createListening } from './listening.ts'
import type { Identity, ServerClient, ServerSettings } from './options.ts'
import { createOutgoing, type ServerSocket } from './outgoing.ts'
import { createRateLimit } from './rate-limit.ts'
import { positionOf } from './recovery.ts'
import { MOST_IN_FLIGHT } from './sessions.ts'

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  readonly applying: Applying
  authenticate(token: string): Promise<Identity | null>
  /** Joins or leaves a channel's listeners. */
  join(channel: string, connection: Connection): void
  leave(channel: string, connection: Connection): void
  /** This connection is the newest of its session; closes the ones before it. */
  replaces(session: string, connection: Connection): void
  closed(connection: Connection): void
}

export interface Connection {
  readonly client: ServerClient
  /** Something was published on one of its channels. */
  published(published: Published): void
  send(type: string, data: unknown, more?: Partial<WireMessage>): void
  close(code: number, reason: string): void
  terminate(): void
  /** The socket's own words. */
  received(text: string | undefined, bytes: number): void
  ponged(): void
  ended(): void
}

type Fields = Readonly<Record<string, unknown>>

const MOST_CHANNELS = 1000
const MOST_ELEMENTS = 1000
/** Messages that wait for slow handlers; more are refused as over the rate. */
const MOST_PENDING = 1000
const LONGEST_TYPE = 64
const UNAUTHENTICATED_BYTES = 8192
const TERMINATE_AFTER_MS = 5000
const RATE_WORDS = 'Rate limit exceeded. Please slow down.'
const RETRY_AFTER_MS = 1000
/** 1 to 128 printable characters without blanks. */
const CHANNEL = /^[^\p{C}\p{Z}]{1,128}$/u
/** Reserved types that may have a place in the sequence and still mean something. */
const SEQUENCED = ['subscribe', 'unsubscribe', 'auth']
const SID = /^[\w-]{16,64}$/

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const dataOf = (message: Fields): Fields => (isObject(message['data']) ? message['data'] : {})

/** Names and positions of `{ channels: [..] }`, `{ channels: {..} }` or `{ symbols: [..] }`; undefined: none of these. */
const channelsIn = (message: Fields): Map<unknown, Position | null> | undefined => {
  const { channels, symbols } = dataOf(message)
  const named = channels ?? symbols
  if (Array.isArray(named)) return new Map(named.map(name => [name, null]))
  if (!isObject(named)) return undefined
  return new Map(Object.entries(named).map(([name, position]) => [name, positionOf(position)]))
}

const replyTo = ({ id }: Fields): Partial<WireMessage> =>
  typeof id === 'string' ? { replyTo: id } : {}

export const createConnection = (
  host: ConnectionHost,
  socket: ServerSocket,
  given: { readonly address: string; readonly identity: Identity | null },
): Connection => {
  const { settings, broker, environment, applying } = host
  const { logger, heartbeat, maxPayload, rateLimit, maxBufferedBytes, sessionTtlMs } = settings
  const { sessions } = broker
  const timers = createServerTimers(environment)
  const id = nanoid()
  const mayPass = createRateLimit(rateLimit, environment.monotonicNow)
  let identity = given.identity
  let session: { readonly key: string; readonly tok: string } | undefined
  let pending = 0
  let closing = false
  let acked = 0

  // ---- out

  const outgoing = createOutgoing({
    socket,
    timers,
    maxPayload,
    maxBufferedBytes,
    tooSlow: () => close(1013, 'Too slow'),
  })

  const send = (type: string, data: unknown, more: Partial<WireMessage> = {}): void => {
    if (closing) return
    outgoing.deliver(JSON.stringify({ type, data, timestamp: environment.now(), ...more }))
  }

  const complain = (
    code: string,
    message: string,
    about: Fields = {},
    retryAfterMs?: number,
  ): void => {
    const { id: name } = about
    const known = typeof name === 'string' ? name.slice(0, LONGEST_ID) : undefined
    send('error', { code, message, id: known, retryAfterMs })
  }

  const terminate = (): void => socket.terminate()

  const close = (code: number, reason: string): void => {
    if (closing) return
    outgoing.flush()
    closing = true
    socket.close(code, reason)
    // A peer that is gone never answers; `ws` alone would wait for 30 s.
    timers.set('terminate', TERMINATE_AFTER_MS, terminate)
  }

  // ---- heartbeat: by frame, which browsers answer, and by message, which their pages see

  const alive = (): void => timers.clear('pong')

  const ask = async (): Promise<void> => {
    const heads = session && { heads: await listening.heads() }
    send('ping', { timestamp: environment.now(), ...heads }, { id: nanoid() })
  }

  /** The session lives as long as its connection, and for its time after that. */
  const keep = (): void => {
    if (!session) return
    sessions.touch(session.key, session.tok, sessionTtlMs).catch(failed)
    timers.set('keep', sessionTtlMs / 2, keep)
  }

  const beat = (): void => {
    socket.ping()
    ask().catch(failed)
    // Counted from the first ping without an answer, also where pings come faster than that.
    if (!timers.has('pong')) timers.set('pong', heartbeat.timeoutMs, terminate)
    timers.set('beat', heartbeat.intervalMs, beat)
  }

  const failed = (thrown: unknown): void => {
    logger.error?.(`Connection ${id}: ${forLog(thrown)}`)
    complain('INTERNAL', 'The message could not be handled')
  }

  // ---- who it is

  /** Takes an identity; false if it must not be. */
  const admit = (next: Identity | null): boolean => {
    if (!next || (identity && identity.user !== next.user)) {
      const words =
        identity && next ? 'A refresh may not change the user' : 'This token was refused'
      complain('UNAUTHORIZED', words)
      close(4401, 'Unauthorized')
      return false
    }
    identity = next
    timers.clear('auth')
    timers.clear('expiry')
    const { expiresAt } = next
    if (expiresAt !== undefined) {
      timers.set('expiry', expiresAt - environment.now(), () => close(4401, 'Token expired'))
    }
    return true
  }

  const authRequired = (): boolean => settings.authenticate !== undefined && !identity

  const authenticate = async (message: Fields): Promise<void> => {
    const { token } = dataOf(message)
    if (typeof token !== 'string' || !token) {
      return complain('BAD_MESSAGE', 'auth: expected { token: string }', message)
    }
    if (!settings.authenticate) return send('authenticated', {}, replyTo(message))
    if (admit(await host.authenticate(token))) {
      send('authenticated', { expiresAt: identity?.expiresAt }, replyTo(message))
    }
  }

  // ---- channels

  const listening = createListening({
    broker,
    join: channel => host.join(channel, connection),
    leave: channel => host.leave(channel, connection),
    deliver(text) {
      if (!closing) outgoing.deliver(text)
    },
    renewed(channel, verdict) {
      if (session) send('subscribed', { channels: { [channel]: verdict } })
    },
  })

  /** The channels that this client may listen to; it is told of the others. */
  const permitted = async (
    message: Fields,
    named: ReadonlyMap<unknown, Position | null>,
  ): Promise<Map<string, Position | null>> => {
    const taken = new Map<string, Position | null>()
    for (const [name, position] of named) {
      if (typeof name !== 'string' || !CHANNEL.test(name)) {
        const words = 'A channel is named by 1 to 128 printable characters without blanks'
        complain('UNKNOWN_CHANNEL', words, message)
      } else if (!(await settings.authorize(identity?.user ?? null, 'subscribe', name))) {
        complain('FORBIDDEN', 'You may not listen to this channel', message)
      } else if (
        !listening.has(name) &&
        listening.channels().length + taken.size >= MOST_CHANNELS
      ) {
        complain('FORBIDDEN', `No more than ${MOST_CHANNELS} channels`, message)
      } else taken.set(name, position)
    }
    return taken
  }

  const subscribe = async (message: Fields): Promise<void> => {
    const named = channelsIn(message)
    if (!named) return complain('BAD_MESSAGE', 'subscribe: expected { channels: [..] }', message)
    const channels = await permitted(message, named)
    if (session) {
      const { verdicts, release } = await listening.resume(channels)
      send('subscribed', { channels: verdicts }, replyTo(message))
      await release()
    } else {
      for (const name of channels.keys()) listening.listen(name)
      send('subscribed', { channels: [...channels.keys()] }, replyTo(message))
    }
  }

  const unsubscribe = (message: Fields): void => {
    const named = channelsIn(message)
    if (!named) return complain('BAD_MESSAGE', 'unsubscribe: expected { channels: [..] }', message)
    const left = [...named.keys()].filter(name => listening.leave(String(name)))
    send('unsubscribed', { channels: left }, replyTo(message))
  }

  // ---- protocol v1: the session, and messages with a place in it

  const hello = async (message: Fields): Promise<void> => {
    const { sid, tok, gen, token } = dataOf(message)
    if (
      typeof sid !== 'string' ||
      !SID.test(sid) ||
      !Number.isSafeInteger(gen) ||
      (gen as number) < 0
    ) {
      return complain('BAD_MESSAGE', 'hello: expected { sid, gen, channels }', message)
    }
    if (session) return complain('BAD_MESSAGE', 'hello: this connection has a session', message)
    if (settings.authenticate && typeof token === 'string') {
      if (!admit(await host.authenticate(token))) return
    }
    if (authRequired()) return complain('UNAUTHORIZED', 'Authenticate first', message)
    const key = JSON.stringify([identity?.user ?? '', sid])
    // What came on older connections of this session is done first, so that the ack says all of it.
    await applying.inTurn(key, async () => {
      const record = await sessions.contact(key, {
        tok: typeof tok === 'string' ? tok : undefined,
        gen: gen as number,
        ttlMs: sessionTtlMs,
      })
      if (!record) return close(4409, 'Replaced by a newer connection')
      session = { key, tok: record.tok }
      timers.set('keep', sessionTtlMs / 2, keep)
      acked = record.last
      host.replaces(key, connection)
      timers.clear('auth')
      outgoing.join()
      const channels = await permitted(message, channelsIn(message) ?? new Map())
      const { verdicts, release } = await listening.resume(channels)
      send('welcome', {
        tok: record.tok,
        ack: record.last,
        refused: record.refused,
        sessionTtlMs,
        maxInFlight: MOST_IN_FLIGHT,
        channels: verdicts,
      })
      await release()
    })
  }

  /** Acks are cumulative: those of one moment travel as one. */
  const acknowledge = (seq: number): void => {
    acked = Math.max(acked, seq)
    if (!timers.has('ack')) timers.set('ack', 0, () => send('ack', { seq: acked }))
  }

  const applyAt = async (message: Fields, place: Place, bad?: string): Promise<void> => {
    const type = message['type'] as string
    const refuse = (): never => {
      throw new Refusal('BAD_MESSAGE', bad as string)
    }
    const applied = await applying.applyAt(
      (bad ? { type: 'skip' } : message) as unknown as WireMessage,
      place,
      { user: client.user, client },
      // An application may send these by its own hand.
      bad ? refuse : SEQUENCED.includes(type) ? () => HANDLERS[type]?.(message) : undefined,
    )
    // Not final: the client comes back, and hears then what became of its session.
    if (applied.lost) return close(1012, 'The session is gone')
    if (applied.refused) send('nack', applied.refused, replyTo(message))
    if (applied.reply) answer(applied.reply, message)
    if (applied.ack !== undefined) acknowledge(applied.ack)
  }

  const answer = ({ type = 'reply', data, ...more }: Partial<WireMessage>, message: Fields): void =>
    send(type, data, { ...more, ...replyTo(message) })

  // ---- in

  const apply = async (message: Fields): Promise<void> => {
    const sender = { user: client.user, client }
    const reply = await applying.apply(message as unknown as WireMessage, sender)
    if (reply) answer(reply, message)
  }

  const HANDLERS: Readonly<Record<string, (message: Fields) => unknown>> = {
    auth: authenticate,
    hello,
    subscribe,
    unsubscribe,
  }

  /** `bad`: what is wrong with the message; all that is done then is to use up its place. */
  const handle = async (message: Fields, type: string, bad?: string): Promise<void> => {
    const { seq } = type === 'skip' && message['seq'] === undefined ? dataOf(message) : message
    if (type !== 'auth' && type !== 'hello' && authRequired()) {
      return complain('UNAUTHORIZED', 'Authenticate first', message)
    }
    if (session && (type === 'skip' || seq !== undefined)) {
      if (!Number.isSafeInteger(seq) || (seq as number) < 1) {
        return complain('BAD_MESSAGE', 'seq: expected a whole number from 1', message)
      }
      const place = { ...session, seq: seq as number }
      return applying.inTurn(session.key, () => applyAt(message, place, bad))
    }
    if (bad) return complain('BAD_MESSAGE', bad)
    // Nothing that has a place is applied for a client that did not say who it is.
    if (seq !== undefined && type !== 'skip') {
      return complain('BAD_MESSAGE', 'seq: expected hello before it', message)
    }
    if (Object.hasOwn(HANDLERS, type)) await HANDLERS[type]?.(message)
    else if (!RESERVED_TYPES.includes(type)) await apply(message)
  }

  /** One message is done before the next begins: the token sent just before may still be on its way. */
  const queue = (message: Fields, type: string, bad?: string): void => {
    if (pending >= MOST_PENDING)
      return complain('RATE_LIMITED', RATE_WORDS, message, RETRY_AFTER_MS)
    pending++
    const run = async (): Promise<void> => {
      if (socket.isOpen() && !closing) await handle(message, type, bad)
    }
    applying
      .inTurn(id, run)
      .catch(thrown => {
        if (thrown instanceof Refusal) return complain(thrown.code, thrown.message, message)
        failed(thrown)
        // A broker that is away: on this connection the session would wait for ever.
        if (session || type === 'hello') close(1013, 'Try again later')
      })
      .finally(() => pending--)
  }

  const take = (message: unknown): void => {
    const about = isObject(message) ? message : {}
    const { type, id: name, seq } = about
    if (type === 'pong' && seq === undefined) return alive()
    const verdict = mayPass()
    if (verdict === 'abuse') return close(1013, 'Rate limit exceeded')
    if (verdict === 'warn') return complain('RATE_LIMITED', RATE_WORDS, about, RETRY_AFTER_MS)
    if (verdict === 'drop') return
    if (typeof type !== 'string' || !type || type.length > LONGEST_TYPE) {
      return queue(about, '', `Expected { type: string of 1 to ${LONGEST_TYPE} characters, data }`)
    }
    if (name !== undefined && (typeof name !== 'string' || !name || name.length > LONGEST_ID)) {
      const { id: _bad, ...rest } = about
      return queue(rest, type, `id: expected a string of 1 to ${LONGEST_ID} characters`)
    }
    if (type === 'ping' && seq === undefined) send('pong', about['data'], replyTo(about))
    else queue(about, type)
  }

  const received = (text: string | undefined, bytes: number): void => {
    if (authRequired() && bytes > UNAUTHENTICATED_BYTES) {
      return close(1009, 'Too large before authentication')
    }
    let parsed: unknown
    try {
      if (text === undefined) throw new Error('binary')
      parsed = JSON.parse(text)
    } catch {
      if (mayPass() === 'abuse') return close(1013, 'Rate limit exceeded')
      return complain('BAD_MESSAGE', 'Expected JSON text')
    }
    const elements = Array.isArray(parsed) ? parsed : [parsed]
    if (elements.length > MOST_ELEMENTS) {
      return complain('BAD_MESSAGE', `Expected at most ${MOST_ELEMENTS} messages in a frame`)
    }
    for (const element of elements) if (!closing) take(element)
  }

  const client: ServerClient = {
    id,
    address: given.address,
    get user() {
      return identity?.user ?? null
    },
    get channels() {
      return listening.channels()
    },
    send: ({ type, data, ...more }: Publication) => send(type, data, more),
    close: (code = 1000, reason = '') =>
      close(code, Buffer.from(reason).subarray(0, 123).toString()),
  }

  const connection: Connection = {
    client,
    published: listening.published,
    send,
    close,
    terminate,
    received,
    ponged: alive,
    ended() {
      closing = true
      keep()
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
    authRequired: authRequired(),
  })
  if (authRequired())
    timers.set('auth', settings.authTimeoutMs, () => close(4408, 'No auth in time'))
  else if (identity && admit(identity)) send('authenticated', { expiresAt: identity.expiresAt })
  timers.set('beat', heartbeat.intervalMs, beat)
  return connection
}

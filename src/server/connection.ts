/** One client: its socket, its heartbeat, its channels, and what it may do. */

import { nanoid } from 'nanoid'
import type { RawData, WebSocket } from 'ws'
import { LONGEST_ID, RESERVED_TYPES, type WireMessage } from '../protocol/wire.ts'
import type { Publication } from './broker.ts'
import { forLog } from './gate.ts'
import type { Identity, ServerClient, ServerSettings } from './options.ts'
import { createRateLimit } from './rate-limit.ts'

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly settings: ServerSettings
  authenticate(token: string): Promise<Identity | null>
  /** Joins or leaves a channel's listeners. */
  join(channel: string, connection: Connection): void
  leave(channel: string, connection: Connection): void
  /** Handles an application message; its result is the answer. */
  handle(message: WireMessage, client: ServerClient): unknown
  closed(connection: Connection): void
}

export interface Connection {
  readonly client: ServerClient
  /** Hands over JSON text, unless the client is too slow. */
  deliver(text: string): void
  send(type: string, data: unknown, more?: Partial<WireMessage>): void
  close(code: number, reason: string): void
  terminate(): void
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
/** 1 to 128 printable characters without blanks. */
const CHANNEL = /^[^\p{C}\p{Z}]{1,128}$/u

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Channel names of `{ channels: [..] }`, `{ channels: {..} }` or `{ symbols: [..] }`; undefined: none of these. */
const channelsIn = (data: unknown): readonly unknown[] | undefined => {
  const { channels, symbols } = isObject(data) ? data : {}
  const named = channels ?? symbols
  return Array.isArray(named) ? named : isObject(named) ? Object.keys(named) : undefined
}

export const createConnection = (
  host: ConnectionHost,
  socket: WebSocket,
  given: { readonly address: string; readonly identity: Identity | null },
): Connection => {
  const { settings } = host
  const { logger, heartbeat, maxPayload, rateLimit, maxBufferedBytes } = settings
  const id = nanoid()
  const channels = new Set<string>()
  const mayPass = createRateLimit(rateLimit, () => performance.now())
  let identity = given.identity
  let pending = 0
  let work: Promise<unknown> = Promise.resolve()
  let closing = false

  // ---- timers: each has one name here and is cleared with the connection

  const timers = new Map<string, NodeJS.Timeout>()
  const clear = (name: string): void => {
    clearTimeout(timers.get(name))
    timers.delete(name)
  }
  const after = (name: string, ms: number, run: () => void): void => {
    clear(name)
    timers.set(name, setTimeout(run, Math.min(ms, 2_147_483_647)))
  }

  // ---- out

  const deliver = (text: string): void => {
    if (socket.readyState !== socket.OPEN || closing) return
    if (socket.bufferedAmount > maxBufferedBytes) return close(1013, 'Too slow')
    socket.send(text)
  }

  const send = (type: string, data: unknown, more: Partial<WireMessage> = {}): void =>
    deliver(JSON.stringify({ type, data, timestamp: Date.now(), ...more }))

  const complain = (
    code: string,
    message: string,
    about: Fields = {},
    retryAfterMs?: number,
  ): void => {
    const about_ = typeof about['id'] === 'string' ? about['id'].slice(0, LONGEST_ID) : undefined
    send('error', { code, message, id: about_, retryAfterMs })
  }

  const terminate = (): void => socket.terminate()

  const close = (code: number, reason: string): void => {
    if (closing) return
    closing = true
    socket.close(code, reason)
    // A peer that is gone never answers; `ws` alone would wait for 30 s.
    after('terminate', TERMINATE_AFTER_MS, terminate)
  }

  // ---- heartbeat: by frame, which browsers answer, and by message, which their pages see

  const alive = (): void => clear('pong')
  const beat = (): void => {
    socket.ping()
    send('ping', { timestamp: Date.now() }, { id: nanoid() })
    // Counted from the first ping without an answer, also where pings come faster than that.
    if (!timers.has('pong')) after('pong', heartbeat.timeoutMs, terminate)
    after('beat', heartbeat.intervalMs, beat)
  }

  // ---- who it is

  const admit = (next: Identity | null): void => {
    if (!next || (identity && identity.user !== next.user)) {
      complain(
        'UNAUTHORIZED',
        identity && next ? 'A refresh may not change the user' : 'This token was refused',
      )
      return close(4401, 'Unauthorized')
    }
    identity = next
    clear('auth')
    const { expiresAt } = next
    clear('expiry')
    if (expiresAt !== undefined)
      after('expiry', expiresAt - Date.now(), () => close(4401, 'Token expired'))
    send('authenticated', { expiresAt })
  }

  const authRequired = (): boolean => settings.authenticate !== undefined && !identity

  // ---- channels

  const subscribe = async (message: Fields): Promise<void> => {
    const names = channelsIn(message['data'])
    if (!names) return complain('BAD_MESSAGE', 'subscribe: expected { channels: [..] }', message)
    const joined: string[] = []
    for (const name of names) {
      if (typeof name !== 'string' || !CHANNEL.test(name)) {
        complain(
          'UNKNOWN_CHANNEL',
          'A channel is named by 1 to 128 printable characters without blanks',
          message,
        )
      } else if (!(await settings.authorize(identity?.user ?? null, 'subscribe', name))) {
        complain('FORBIDDEN', 'You may not listen to this channel', message)
      } else if (!channels.has(name) && channels.size >= MOST_CHANNELS) {
        complain('FORBIDDEN', `No more than ${MOST_CHANNELS} channels`, message)
      } else {
        channels.add(name)
        host.join(name, connection)
        joined.push(name)
      }
    }
    send('subscribed', { channels: joined }, replyTo(message))
  }

  const unsubscribe = (message: Fields): void => {
    const names = channelsIn(message['data'])
    if (!names) return complain('BAD_MESSAGE', 'unsubscribe: expected { channels: [..] }', message)
    const left = names.filter(
      (name): name is string => typeof name === 'string' && channels.delete(name),
    )
    for (const name of left) host.leave(name, connection)
    send('unsubscribed', { channels: left }, replyTo(message))
  }

  const replyTo = ({ id: about }: Fields): Partial<WireMessage> =>
    typeof about === 'string' ? { replyTo: about } : {}

  // ---- in

  const apply = async (message: Fields): Promise<void> => {
    const { type, data, channel } = message as unknown as WireMessage
    if (!(await settings.authorize(identity?.user ?? null, 'send', String(channel ?? type)))) {
      return complain('FORBIDDEN', 'You may not send this', message)
    }
    if (type === 'echo') return send('echo', data, replyTo(message))
    const answer = await host.handle(message as unknown as WireMessage, client)
    if (!isObject(answer)) return
    const { type: kind = type, data: reply, ...more } = answer as Partial<WireMessage>
    send(kind, reply, { ...more, ...replyTo(message) })
  }

  /** What may wait its turn, so that one message is done before the next begins. */
  const inTurn = (message: Fields, run: () => unknown): void => {
    if (pending >= MOST_PENDING) return complain('RATE_LIMITED', RATE_WORDS, message, 1000)
    pending++
    work = work
      .then(() => (socket.readyState === socket.OPEN ? run() : undefined))
      .catch(thrown => {
        logger.error?.(`A message of ${id} failed: ${forLog(thrown)}`)
        complain('INTERNAL', 'The message could not be handled', message)
      })
      .finally(() => pending--)
  }

  const authenticate = (message: Fields): void => {
    const { token } = isObject(message['data']) ? message['data'] : {}
    if (typeof token !== 'string' || !token) {
      return complain('BAD_MESSAGE', 'auth: expected { token: string }', message)
    }
    if (!settings.authenticate) return send('authenticated', {}, replyTo(message))
    inTurn(message, async () => admit(await host.authenticate(token)))
  }

  const take = (message: unknown): void => {
    if (isObject(message) && message['type'] === 'pong') return alive()
    const verdict = mayPass()
    if (verdict === 'abuse') return close(1013, 'Rate limit exceeded')
    if (verdict === 'warn')
      return complain('RATE_LIMITED', RATE_WORDS, isObject(message) ? message : {}, 1000)
    if (verdict === 'drop') return
    const type = isObject(message) ? message['type'] : undefined
    if (!isObject(message) || typeof type !== 'string' || !type || type.length > LONGEST_TYPE) {
      return complain(
        'BAD_MESSAGE',
        `Expected { type: string of 1 to ${LONGEST_TYPE} characters, data }`,
      )
    }
    const { id: name } = message
    if (name !== undefined && (typeof name !== 'string' || !name || name.length > LONGEST_ID)) {
      return complain('BAD_MESSAGE', `id: expected a string of 1 to ${LONGEST_ID} characters`)
    }
    if (type === 'ping') return send('pong', message['data'], replyTo(message))
    if (type === 'auth') return authenticate(message)
    // Decided in turn, since the token sent just before may still be on its way.
    inTurn(message, () => {
      if (authRequired()) return complain('UNAUTHORIZED', 'Authenticate first', message)
      if (type === 'subscribe') return subscribe(message)
      if (type === 'unsubscribe') return unsubscribe(message)
      if (RESERVED_TYPES.includes(type)) return undefined
      return apply(message)
    })
  }

  const receive = (raw: RawData, isBinary: boolean): void => {
    const size = (raw as Buffer).length
    if (authRequired() && size > UNAUTHENTICATED_BYTES)
      return close(1009, 'Too large before authentication')
    let parsed: unknown
    try {
      if (isBinary) throw new Error('binary')
      parsed = JSON.parse(String(raw))
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
      return [...channels]
    },
    send: ({ type, data, ...more }: Publication) => send(type, data, more),
    close: (code = 1000, reason = '') =>
      close(code, Buffer.from(reason).subarray(0, 123).toString()),
  }

  const connection: Connection = { client, deliver, send, close, terminate }

  socket.on('error', error => logger.debug?.(`Connection ${id}: ${forLog(error.message)}`))
  socket.on('pong', alive)
  socket.on('message', receive)
  socket.on('close', () => {
    closing = true
    for (const timer of timers.values()) clearTimeout(timer)
    for (const name of channels) host.leave(name, connection)
    channels.clear()
    host.closed(connection)
  })

  send('connection', {
    clientId: id,
    message: 'Connected to the market data stream',
    serverTime: Date.now(),
    heartbeat,
    rateLimit: rateLimit || undefined,
    maxPayload,
    authRequired: authRequired(),
  })
  if (authRequired()) after('auth', settings.authTimeoutMs, () => close(4408, 'No auth in time'))
  else if (identity) admit(identity)
  after('beat', heartbeat.intervalMs, beat)
  return connection
}

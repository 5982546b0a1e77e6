/** The JSON envelope `{ type, data, timestamp, id }`, one or an array of them to a frame. */
import type { Conversation, Protocol, ProtocolHost } from './protocol.ts'

/** A message as it comes from the server. */
export interface IncomingEnvelope<Data = unknown> {
  readonly type: string
  readonly data?: Data
  /** Milliseconds since the epoch, for display; it orders nothing. */
  readonly timestamp?: number
  readonly id?: string
  readonly channel?: string
  readonly offset?: number
  /** The id of the message that this one answers. */
  readonly replyTo?: string
}

/** A message as the application sends it. `id` and `timestamp` are added where they are missing. */
export interface OutgoingEnvelope<Data = unknown> {
  readonly type: string
  readonly data?: Data
  readonly timestamp?: number
  /** Up to 64 characters; names the message and stays the same on every retry. */
  readonly id?: string
}

export interface EnvelopeOptions {
  /**
   * `'auto'` waits up to 1 s for the server's first frame before messages flow; `0` never waits.
   * @default 'auto'
   */
  version?: 'auto' | 0
}

const FIRST_FRAME_MS = 1000

type Fields = Record<string, unknown>

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const fields = (value: unknown): Fields => (isObject(value) ? value : {})
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A number that a server may announce; anything else of a hostile one is as if it were not there. */
const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY ? value : undefined

type Host = ProtocolHost<IncomingEnvelope>

/** The reserved types, which never reach the application, and what those mean that a plain server uses. */
const RESERVED: Readonly<Record<string, (data: Fields, message: Fields, host: Host) => void>> = {
  connection({ heartbeat, rateLimit, maxPayload }, _message, host) {
    const { intervalMs, timeoutMs } = fields(heartbeat)
    const { limit, perMs } = fields(rateLimit)
    const most = positive(limit)
    const window = positive(perMs)
    host.terms({
      intervalMs: positive(intervalMs),
      timeoutMs: positive(timeoutMs),
      ratePerSecond: most && window && (most / window) * 1000,
      maxPayload: positive(maxPayload),
    })
  },
  ping: (_data, { data, id }, host) =>
    host.reply(JSON.stringify({ type: 'pong', data, timestamp: host.now(), replyTo: id })),
  pong: (_data, { replyTo }, host) => host.pong(text(replyTo)),
  error({ code, message, id, retryAfterMs }, { replyTo }, host) {
    const name = text(code) ?? 'INTERNAL'
    if (name === 'RATE_LIMITED') host.slowDown(positive(retryAfterMs) ?? 1000)
    host.refused(text(id) ?? text(replyTo), name, text(message) ?? name)
  },
  reconnect: ({ afterMs, jitterMs }, _message, host) =>
    host.leave((positive(afterMs) ?? 0) + host.random() * (positive(jitterMs) ?? 0)),
  ...Object.fromEntries(
    'hello welcome ack nack skip subscribe subscribed unsubscribe unsubscribed auth authenticated'
      .split(' ')
      .map(type => [type, () => {}]),
  ),
}

const converse = (host: Host, waitMs: number): Conversation<OutgoingEnvelope> => {
  const { timers } = host
  let waiting = false
  /** How the application names channels by hand; a plain server may read only that. */
  let field = 'channels'

  const frame = (type: string, data: unknown, id?: string): string =>
    JSON.stringify({ type, data, timestamp: host.now(), id })

  const auth = (token: string): string => frame('auth', { token })

  const begin = (): void => {
    if (!waiting) return
    waiting = false
    timers.clear('greeting')
    const token = host.token()
    if (token) host.reply(auth(token))
    host.proved()
  }

  const element = (message: unknown): void => {
    const { type, data } = fields(message)
    if (typeof type !== 'string') throw new Error('expected { type: string }')
    if (Object.hasOwn(RESERVED, type)) RESERVED[type]?.(fields(data), message as Fields, host)
    else host.message(message as IncomingEnvelope)
  }

  const attempt = (act: () => void): void => {
    try {
      act()
    } catch (thrown) {
      host.error('BAD_MESSAGE', thrown)
    }
  }

  return {
    opened() {
      waiting = true
      if (waitMs) timers.set('greeting', waitMs, begin)
      else begin()
    },
    closed() {
      waiting = false
      timers.clear('greeting')
    },
    receive(payload) {
      attempt(() => {
        // A binary frame is no JSON either, and says so here.
        const parsed: unknown = JSON.parse(payload as string)
        for (const each of [parsed].flat()) attempt(() => element(each))
      })
      begin()
    },
    encode(message, id) {
      if (!text(fields(message)['type'])) {
        throw new TypeError('send: expected { type: string, data }; use raw() for other frames')
      }
      return JSON.stringify({ timestamp: host.now(), ...message, id })
    },
    idOf: message => text(fields(message)['id']),
    ping: id => frame('ping', { timestamp: host.now() }, id),
    auth,
    tell: (type, channels) => frame(type, { [field]: channels }),
    subscriptionOf({ type, data }) {
      if (type !== 'subscribe' && type !== 'unsubscribe') return undefined
      const { channels, symbols } = fields(data)
      field = symbols ? 'symbols' : 'channels'
      const named = symbols ?? channels
      const list = Array.isArray(named) ? named : Object.keys(fields(named))
      return { type, channels: list.filter(text) }
    },
  }
}

/** The JSON envelope. Exactly once per `id` from any server that sets ids. */
export const envelope = (
  options: EnvelopeOptions = {},
): Protocol<IncomingEnvelope, OutgoingEnvelope> => {
  const { version = 'auto' } = options
  if (version !== 'auto' && version !== 0) {
    throw new RangeError(`envelope.version: expected 'auto' or 0, got ${version}`)
  }
  return {
    name: 'envelope',
    attach: host => converse(host, version === 'auto' ? FIRST_FRAME_MS : 0),
  }
}

/** Phoenix channels (and Supabase Realtime, which speaks the same) over a WebSocket. */
import type {
  Conversation,
  DialTarget,
  Protocol,
  ProtocolHost,
  ProtocolLink,
  Refusal,
} from '../protocol/protocol.ts'
import {
  decodeFrame,
  encodeBinary,
  encodeText,
  type PhoenixFrame,
  withJoinRef,
} from './phoenix-frames.ts'
import { createJoins, createReplies } from './phoenix-joins.ts'

/** A message from a channel. */
export interface PhoenixMessage<Data = unknown> {
  /** The event. */
  readonly type: string
  /** The topic. */
  readonly channel: string
  /** The payload: an object, or an ArrayBuffer where the server pushed binary data. */
  readonly data: Data
  /** In the answer of `request()`: the id of the message that it answers. */
  readonly replyTo?: string
}

/** A push. Its channel must be subscribed: until it is joined the push waits, and without a subscription it is rejected. */
export interface PhoenixPush<Data = unknown> {
  /** The event. */
  readonly type: string
  /** The topic. */
  readonly channel: string
  /** An object, or an ArrayBuffer or a view of one, which goes as binary data. @default {} */
  readonly data?: Data
  /** 1 to 64 characters; goes as `ref`. @default a new one */
  readonly id?: string
}

export type PhoenixParams = Readonly<Record<string, unknown>>

export interface PhoenixOptions {
  /** Go in the query of the address: `connect/3` gets them. A function is asked before every dial. @default {} */
  params?: PhoenixParams | (() => PhoenixParams | Promise<PhoenixParams>)
  /**
   * Goes with every join, also with each join anew: `join/3` gets it. A function is asked then; what it throws rejects
   * `ready`. @default {}
   */
  joinPayload?: PhoenixParams | ((topic: string) => PhoenixParams | Promise<PhoenixParams>)
  /** How long a push or a join waits for its reply, in ms; a push that has none by then is `sent`. @default 10000 */
  replyTimeoutMs?: number
}

const HEARTBEAT_TOPIC = 'phoenix'
const TOKEN_PREFIX = 'base64url.bearer.phx.'

const base64Url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')

const isBinary = (data: unknown): data is ArrayBuffer | ArrayBufferView =>
  ArrayBuffer.isView(data) || Object.prototype.toString.call(data) === '[object ArrayBuffer]'

/** `wss://host/socket` as `wss://host/socket/websocket?...&vsn=2.0.0`; what the address says already is kept. */
const socketUrl = (url: string, params: PhoenixParams): string => {
  const [, address = '', query = ''] = /^([^?#]*)\??([^#]*)/.exec(url) ?? []
  const path = address.replace(/\/+$/, '')
  const search = new URLSearchParams(query)
  for (const [name, value] of Object.entries(params)) search.set(name, `${value}`)
  search.set('vsn', '2.0.0')
  return `${path.endsWith('/websocket') ? path : `${path}/websocket`}?${search}`
}

/** What an error reply says: its `reason` is the code, where it has one. */
const refusalOf = (response: unknown): Refusal => {
  const { reason } = Object(response) as { readonly reason?: unknown }
  const code = typeof reason === 'string' ? reason : 'error'
  return { code, message: isBinary(response) ? code : JSON.stringify(response), detail: response }
}

const encode = (push: PhoenixPush, id: string): string | ArrayBuffer => {
  const { type, channel, data = {} } = Object(push) as PhoenixPush
  if (typeof type !== 'string' || !type || typeof channel !== 'string' || !channel) {
    throw new TypeError(
      `send: expected { type: string, channel: string, data }, got type ${typeof type} and channel ${typeof channel}`,
    )
  }
  return isBinary(data)
    ? encodeBinary(id, channel, type, data)
    : encodeText(id, channel, type, data)
}

/** Rewrites what is dialed: the address of the socket, with its parameters, and the token as a subprotocol. */
const createTarget =
  (params: NonNullable<PhoenixOptions['params']>) =>
  ({ url, protocols }: DialTarget, token: string | undefined): DialTarget | Promise<DialTarget> => {
    const offered = token ? ['phoenix', `${TOKEN_PREFIX}${base64Url(token)}`] : []
    const rewrite = (given: PhoenixParams): DialTarget => ({
      url: socketUrl(url, given),
      protocols: [...protocols, ...offered],
    })
    const given = typeof params === 'function' ? params() : params
    return given instanceof Promise ? given.then(rewrite) : rewrite(given)
  }

const converse = (
  host: ProtocolHost,
  options: PhoenixOptions,
): Conversation<PhoenixMessage, PhoenixPush> => {
  const { params = {}, joinPayload = {}, replyTimeoutMs = 10_000 } = options
  let link: ProtocolLink<PhoenixMessage> | undefined
  const replies = createReplies(replyTimeoutMs)
  const joins = createJoins({ newId: host.newId, joinPayload, replies, link: () => link })

  const replied = (topic: string, ref: string, payload: unknown): void => {
    const { status, response } = Object(payload) as { status?: unknown; response?: unknown }
    const isOk = status === 'ok'
    const join = joins.get(topic)
    replies.stop(ref)
    if (join?.ref !== ref) {
      if (!isOk) return link?.refused(ref, refusalOf(response))
      link?.answer(ref, { type: 'phx_reply', channel: topic, data: response, replyTo: ref })
      link?.acked(ref)
    } else if (isOk) {
      joins.accepted(topic, join)
      link?.joined(topic)
    } else {
      joins.end(topic, join)
      link?.declined(topic, refusalOf(response))
    }
  }

  const received = (frame: PhoenixFrame): void => {
    const { joinRef, ref, topic, event, payload } = frame
    if (topic === HEARTBEAT_TOPIC) {
      if (ref) link?.pong(ref)
      return
    }
    const current = joins.get(topic)
    // Of a join that is over, such as what the server wrote before it read the leave.
    if (!current || (joinRef && joinRef !== current.ref)) return link?.dropped('outdated', frame)
    if (event === 'phx_reply') {
      if (ref) replied(topic, ref, payload)
    } else if (event === 'phx_error') {
      joins.end(topic, current)
      link?.left(topic, { reason: 'error', retryAfterMs: joins.nextRejoinMs(topic) })
    } else if (event === 'phx_close') {
      joins.end(topic, current)
      link?.left(topic, { reason: 'closed' })
    } else link?.message({ type: event, channel: topic, data: payload })
  }

  return {
    target: createTarget(params),
    opened(opened) {
      link = opened
      link.ready()
    },
    receive: frame => received(decodeFrame(frame)),
    closed() {
      link = undefined
      joins.clear()
      replies.clear()
    },
    encode,
    idOf({ id }) {
      if (id === undefined || typeof id === 'string') return id
      throw new TypeError(`send: expected an id that is a string, got ${typeof id}`)
    },
    channelOf: ({ channel }) => channel,
    leaving(frame, id, channel) {
      if (link) replies.expect(link, id, () => link?.unanswered(id))
      const joined = channel === undefined ? undefined : joins.get(channel)
      return withJoinRef(frame as string | ArrayBuffer, joined?.ref ?? '')
    },
    ping: id => encodeText(id, HEARTBEAT_TOPIC, 'heartbeat', {}),
    subscribe(topics) {
      for (const topic of topics) void joins.join(topic)
    },
    unsubscribe(topics) {
      for (const topic of topics) joins.forget(topic)
    },
  }
}

/**
 * Speaks with a Phoenix server, version 2 of its serializer. `url` is that of the socket: `wss://example.com/socket`. The
 * client's `token` goes as a subprotocol, where `connect/3` finds it as `auth_token`.
 *
 * ```ts
 * const socket = createResilientWebSocket({ url: 'wss://example.com/socket', protocol: phoenix() })
 * socket.subscribe('room:lobby', ({ type, data }) => console.log(type, data))
 * socket.send({ type: 'shout', channel: 'room:lobby', data: { body: 'hello' } })
 * ```
 *
 * Throws a `RangeError` for a `replyTimeoutMs` that is not above 0.
 */
export const phoenix = (options: PhoenixOptions = {}): Protocol<PhoenixMessage, PhoenixPush> => {
  const { replyTimeoutMs = 10_000 } = options
  if (!(replyTimeoutMs > 0)) {
    throw new RangeError(`phoenix.replyTimeoutMs: expected a number > 0, got ${replyTimeoutMs}`)
  }
  return {
    name: 'phoenix',
    channels: true,
    replies: true,
    acks: true,
    attach: host => converse(host, options),
  }
}

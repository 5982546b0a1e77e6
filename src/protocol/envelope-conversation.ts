/** A conversation in envelopes with any server; what protocol v1 adds to it is plugged in through the host. */
import { utf8Bytes } from '../shared/utf8-bytes.ts'
import { CLIENT_TYPES, PLAIN_TYPES, RESERVED_TYPES } from './constants.ts'
import { encodeMessage, idOf, readMessage, undecodable } from './envelope-codec.ts'
import type { EnvelopeCore, EnvelopeHost, Handler, SessionsExtension } from './envelope-core.ts'
import type { IncomingEnvelope, OutgoingEnvelope } from './envelope-types.ts'
import { type Fields, fields, isWhole, positive, text } from './fields.ts'
import type { OwnConversation } from './own-conversation.ts'
import { createPings } from './pings.ts'

const NO_TYPE = 'expected { type: string }'

/** By length: to hash a name that came with the message costs more than to compare it with a few. */
const byLength = (types: readonly string[]): readonly (readonly string[] | undefined)[] => {
  const sorted: string[][] = []
  for (const type of types) {
    sorted[type.length] ??= []
    sorted[type.length]?.push(type)
  }
  return sorted
}

const RESERVED_BY_LENGTH = /* @__PURE__ */ byLength(RESERVED_TYPES)
const PLAIN_BY_LENGTH = /* @__PURE__ */ byLength(PLAIN_TYPES)

/** The type means something to a server of v1, or to any server. */
const isReserved = (type: string, isV1: boolean): boolean =>
  (isV1 ? RESERVED_BY_LENGTH : PLAIN_BY_LENGTH)[type.length]?.includes(type) ?? false

/** The reserved types that any server may send. */
const HANDLERS: Readonly<Record<string, Handler<EnvelopeCore>>> = {
  connection(core, { heartbeat, rateLimit, maxPayload, protocol }) {
    const { link, server, sessions } = core
    const { intervalMs, timeoutMs } = fields(heartbeat)
    const { limit, perMs } = fields(rateLimit)
    const messages = positive(limit)
    const window = positive(perMs)
    const offersV1 = protocol === 1 && server === 'v1'
    if (offersV1 && sessions?.offered() === false) return
    core.maxPayload = positive(maxPayload)
    link?.terms({
      intervalMs: positive(intervalMs),
      timeoutMs: positive(timeoutMs),
      ratePerSecond: messages && window && (messages / window) * 1000,
      maxPayload: core.maxPayload,
    })
    if (offersV1) sessions?.greeted()
  },
  ping({ host, link, sessions }, { heads }, { data, id }) {
    link?.send(JSON.stringify({ type: 'pong', data, timestamp: host.now(), replyTo: id }))
    sessions?.heads(fields(heads))
  },
  pong({ host, link, pings }, _data, message) {
    const ping = pings.answered(text(message['replyTo']))
    if (ping?.byHand) host.message(message as unknown as IncomingEnvelope, ping.id)
    else if (ping) link?.pong(ping.id)
    else host.dropped('reserved', message)
  },
  error({ host, sessions }, { code, message, id, retryAfterMs }, { replyTo }) {
    const name = text(code) ?? 'INTERNAL'
    let about = text(id) ?? text(replyTo)
    if (name === 'RATE_LIMITED') {
      host.slowDown(positive(retryAfterMs) ?? 1000)
      if (sessions?.rateLimited()) about = undefined
    }
    host.refused(about, name, text(message) ?? name)
  },
  reconnect: ({ host, link }, { afterMs, jitterMs }) =>
    link?.leave((positive(afterMs) ?? 0) + host.random() * (positive(jitterMs) ?? 0)),
}

/** What an envelope that the application sends by hand subscribes to or leaves, as the server will read its frame. */
const subscriptionIn = (
  core: EnvelopeCore,
  { type }: OutgoingEnvelope,
  frame: string,
): ReturnType<NonNullable<OwnConversation<never, OutgoingEnvelope>['subscriptionOf']>> => {
  if (type !== 'subscribe' && type !== 'unsubscribe') return undefined
  const { channels, symbols } = fields(fields(JSON.parse(frame))['data'])
  core.field = symbols ? 'symbols' : 'channels'
  const named = symbols ?? channels
  const list = Array.isArray(named) ? named : Object.keys(fields(named))
  return { type, channels: list.filter(text) }
}

const createCore = (host: EnvelopeHost, version: 'auto' | 0 | 1): EnvelopeCore => {
  const core: EnvelopeCore & { sessions: SessionsExtension | undefined } = {
    host,
    pings: createPings(),
    sessions: undefined,
    link: undefined,
    maxPayload: undefined,
    server: 'silent',
    users: 0,
    field: 'channels',
    frame: (type, data, id) => JSON.stringify({ type, data, timestamp: host.now(), id }),
    begin() {
      const token = core.link?.token()
      if (token) core.link?.send(core.frame('auth', { token }))
      core.link?.ready({ answers: false })
    },
    element(message, isPosted = false) {
      const { type, data } = fields(message)
      try {
        if (typeof type !== 'string') throw new Error(NO_TYPE)
        if (core.server === 'silent' && !isPosted) {
          core.server = type === 'connection' && fields(data)['protocol'] === 1 ? 'v1' : 'plain'
        }
        if (!isReserved(type, isPosted || core.server === 'v1')) {
          return core.deliver(message, isPosted || core.sessions?.isPositioned() === true)
        }
        const handler = HANDLERS[type]
        if (handler) handler(core, fields(data), message as Fields)
        else if (CLIENT_TYPES.includes(type)) host.dropped('reserved', message)
        else core.sessions?.handle(type, fields(data), message as Fields)
      } catch (error) {
        core.bad(message, error)
      }
    },
    deliver(message, isPositioned) {
      const { channel, offset } = fields(message)
      if (isPositioned && typeof channel === 'string' && isWhole(offset)) {
        const obstacle = core.sessions?.obstacle(channel, offset)
        if (obstacle) return host.dropped(obstacle, message)
      }
      host.message(message as IncomingEnvelope)
    },
    bad(message, error) {
      host.dropped('undecodable', message)
      host.error('BAD_MESSAGE', error)
    },
  }
  core.sessions = version === 0 ? undefined : host.sessions?.(core, version)
  return core
}

const receive = (core: EnvelopeCore, payload: unknown): void => {
  let messages: unknown
  try {
    // A binary frame is no JSON either: its text begins with `[object`.
    messages = JSON.parse(payload as string)
  } catch (error) {
    core.bad(payload, undecodable(payload, error))
    return core.sessions?.frameRead()
  }
  if (!Array.isArray(messages)) core.element(messages)
  else {
    // A listener may end the link: the rest of the frame is then another link's to bring.
    for (const each of messages) {
      if (core.link) core.element(each)
      else core.host.dropped('ended', each)
    }
  }
  core.sessions?.frameRead()
}

/** Tells the server of channels, in as many frames as its `maxPayload` asks for. */
const notify = (
  core: EnvelopeCore,
  type: 'subscribe' | 'unsubscribe',
  channels: readonly string[],
): void => {
  const { link, sessions, maxPayload } = core
  const asks = type === 'subscribe' ? sessions?.subscribe(channels) : undefined
  const frame = asks ?? core.frame(type, { [core.field]: channels })
  const half = channels.length >> 1
  if (!half || !maxPayload || utf8Bytes(frame) <= maxPayload) return link?.control(frame)
  notify(core, type, channels.slice(0, half))
  notify(core, type, channels.slice(half))
}

export const talkInEnvelopes = (
  host: EnvelopeHost,
  version: 'auto' | 0 | 1,
): OwnConversation<IncomingEnvelope, OutgoingEnvelope> => {
  if (version === 1 && !host.sessions) {
    throw new TypeError('envelope.version: 1 needs sessions(); add it to use')
  }
  const core = createCore(host, version)
  const { pings, sessions } = core
  return {
    opened(link) {
      core.link = link
      core.server = 'silent'
      if (sessions) sessions.opened()
      else core.begin()
    },
    closed() {
      core.link = undefined
      sessions?.closed()
      pings.clear()
    },
    receive: payload => receive(core, payload),
    read: readMessage,
    encode: (message, id) => encodeMessage(message, id, host.now()),
    idOf,
    ping(id) {
      pings.sent(id, false)
      return core.frame('ping', { timestamp: host.now() }, id)
    },
    token: token => core.link?.control(core.frame('auth', { token })),
    subscribe: channels => notify(core, 'subscribe', channels),
    unsubscribe: channels => notify(core, 'unsubscribe', channels),
    subscriptionOf: (message, frame) => subscriptionIn(core, message, frame as string),
    reserved: ({ type }) => sessions?.isReserved(type) ?? false,
    unplaced: ({ type }) => type === 'ping',
    sent: id => pings.sent(id, true),
    reset() {
      core.users++
      sessions?.renew()
    },
    sessionId: () => sessions?.sessionId() ?? null,
    deliver(message) {
      const { type } = fields(message)
      const isV1 = sessions?.isPolled() ?? false
      // What `fallback.parse` makes is the application's own.
      if (isV1 && typeof type !== 'string') core.bad(message, new Error(NO_TYPE))
      else if (isReserved(`${type}`, isV1)) host.dropped('reserved', message)
      else core.deliver(message, isV1)
    },
    http: sessions?.http,
  }
}

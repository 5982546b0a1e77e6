/** The JSON envelope `{ type, data, timestamp, id }`, plain or with the sessions and positions of protocol v1. */
import { createPings } from './pings.ts'
import type { Conversation, Protocol, ProtocolHost } from './protocol.ts'
import { createQuestions } from './v1/questions.ts'
import { createSession, type Fields, fields, inParts, isWhole } from './v1/session.ts'
import { PLAIN_TYPES } from './wire.ts'

/** A message as it comes from the server. */
export interface IncomingEnvelope<Data = unknown> {
  readonly type: string
  readonly data?: Data
  /** Milliseconds since the epoch, for display; it orders nothing. */
  readonly timestamp?: number
  /** Names the message within its channel, unless it is empty: what comes twice is delivered once. */
  readonly id?: string
  readonly channel?: string
  readonly offset?: number
  /** The id of the message that this one answers. */
  readonly replyTo?: string
}

/** A message as the application sends it. `id` and `timestamp` are added where they are missing. */
export interface OutgoingEnvelope<Data = unknown> {
  /**
   * Types of the protocol (`connection hello welcome ack nack skip subscribed unsubscribed authenticated pong error
   * reconnect`) are yours with a plain server only; one of protocol v1 is not sent them (`invalid`). A `ping` goes to
   * every server, and the `pong` that answers it reaches `message` and `request()`.
   */
  readonly type: string
  readonly data?: Data
  readonly timestamp?: number
  /** 1 to 64 characters, else a `TypeError`; names the message and stays the same on every retry. */
  readonly id?: string
}

export interface EnvelopeOptions {
  /**
   * `'auto'` speaks protocol v1 with a server whose `connection` message says so, and waits up to 1 s for
   * that; a server that has spoken it once is expected to. `1` demands it from the start; `0` never waits and
   * never speaks it.
   * @default 'auto'
   */
  version?: 'auto' | 0 | 1
}

/** A session is its client's as long as nobody can guess its id. */
const NO_SECRET =
  'The server speaks protocol v1, which needs crypto.getRandomValues; pass environment: { getRandomValues }'
const FIRST_FRAME_MS = 1000
const WELCOME_MS = 5000
const MAX_IN_FLIGHT = 256
/** How long a server keeps a session at least, where it does not say so. */
const SESSION_TTL_MS = 120_000

type Meaning = (data: Fields, message: Fields) => void

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A number that a server may announce; anything else of a hostile one is as if it were not there. */
const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY ? value : undefined

/** Answers of protocol v1 that the client does not wait for. */
const UNREAD = 'unsubscribed authenticated'.split(' ')

/** Types of protocol v1 that are a client's to send. */
const OF_CLIENTS = 'hello skip subscribe unsubscribe auth'.split(' ')

const NO_TYPE = 'expected { type: string }'

/** Reserved types that an application may send itself. */
const BY_HAND = 'subscribe unsubscribe auth ping'.split(' ')

/** By the length of their types: see `meaningIn`. */
type Meanings = readonly (readonly [string, Meaning][] | undefined)[]

const byLength = (meanings: readonly [string, Meaning][]): Meanings => {
  const sorted: [string, Meaning][][] = []
  for (const each of meanings) {
    const { length } = each[0]
    sorted[length] = [...(sorted[length] ?? []), each]
  }
  return sorted
}

/** What a reserved type means. To hash a name that came with the message costs more than to compare it with a few. */
const meaningIn = (meanings: Meanings, type: string): Meaning | undefined => {
  for (const [name, act] of meanings[type.length] ?? []) if (name === type) return act
  return undefined
}

/** Says of a frame that JSON.parse does not take what was expected, what came and what to do. */
const undecodable = (payload: unknown, thrown: unknown): Error => {
  const { byteLength, size } = Object(payload)
  const remedy = 'use raw() for a server that does not send JSON'
  const words =
    typeof payload === 'string'
      ? `expected a frame of JSON, got ${payload.length} characters that are none: ${(thrown as Error).message}; ${remedy}`
      : `expected a text frame of JSON, got a binary frame of ${byteLength ?? size} bytes; send JSON as text from the server, or ${remedy}`
  return new Error(words, { cause: thrown })
}

/** What a class may have as getters, which neither JSON nor a spread finds. */
const NAMES = 'type data timestamp id seq channel replyTo'.split(' ')

/** A value of the application's for an error message: itself where it is short, else its kind. */
const show = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value.slice(0, 64)}'`
    : Array.isArray(value)
      ? 'an array'
      : typeof value === 'object' && value
        ? 'an object'
        : typeof value === 'function' || typeof value === 'symbol'
          ? `a ${typeof value}`
          : String(value)

const unreadable = (thrown: unknown): TypeError =>
  new TypeError(`send: expected data that JSON can hold (${thrown})`, { cause: thrown })

const json = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch (thrown) {
    throw unreadable(thrown)
  }
}

/** The fields of a message, as JSON would have them, and those that a class has as getters. */
const read = (message: OutgoingEnvelope): OutgoingEnvelope => {
  let given: unknown
  let plain: Fields
  try {
    const { toJSON } = fields(message)
    given = typeof toJSON === 'function' ? toJSON.call(message, '') : message
    const all = fields(given)
    plain = { ...all }
    for (const name of NAMES) if (!Object.hasOwn(plain, name)) plain[name] = all[name]
    delete plain['toJSON']
  } catch (thrown) {
    throw unreadable(thrown)
  }
  if (typeof given !== 'object' || !given || Array.isArray(given)) {
    const from = given === message ? '' : ' from its toJSON()'
    throw new TypeError(
      `send: expected { type: string, data }, got ${show(given)}${from}; use raw() for other frames`,
    )
  }
  return plain as unknown as OutgoingEnvelope
}

const converse = (
  host: ProtocolHost<IncomingEnvelope>,
  version: 'auto' | 0 | 1,
): Conversation<OutgoingEnvelope> => {
  const { timers } = host
  /** What the link is waiting for, if there is one: the first frame, `welcome`, or nothing any more. */
  let stage: 'none' | 'first' | 'welcome' | 'plain' | 'v1' = 'none'
  /** A server has spoken v1: it is expected to from now on. */
  let spoken = version === 1
  /** The `tok` that `hello`, or the POST under way, carried. */
  let carried: string | undefined
  let posted: string | undefined
  /** When that POST was made: the server may have heard it at once, however late its answer is. */
  let postedAt = 0
  let told: readonly string[] = []
  /** The last poll was answered by a server that takes messages by POST. */
  let posts = false
  let polledBefore = false
  /** What the first message of this link says of its server, whatever the client speaks. */
  let server: 'silent' | 'plain' | 'v1' = 'silent'
  /** How many users there were. */
  let users = 0
  const questions = createQuestions()
  const pings = createPings()
  /** When the server last knew the session, by the monotonic clock, and how long it keeps it. */
  let answeredAt = 0
  let sessionTtlMs = SESSION_TTL_MS
  /** How the application names channels by hand; a plain server may read only that. */
  let field = 'channels'

  const frame = (type: string, data: unknown, id?: string): string =>
    JSON.stringify({ type, data, timestamp: host.now(), id })

  const auth = (token: string): string => frame('auth', { token })

  const positions = (channels: readonly string[]): Fields =>
    Object.fromEntries(channels.map(channel => [channel, session.position(channel)]))

  const question = (id: string, channels: readonly string[]): string => {
    questions.add(id, channels)
    return frame('subscribe', { [field]: positions(channels) }, id)
  }

  /** The server's answer to a contact that it may have heard at `at`; true if it makes sense. */
  const answered = (answer: Fields, carried: string | undefined, at: number): boolean => {
    sessionTtlMs = positive(answer['sessionTtlMs']) ?? sessionTtlMs
    const sense = session.answered(answer, carried)
    // Where it speaks of another session, ours may be gone.
    answeredAt = sense ? at : Number.NEGATIVE_INFINITY
    return sense
  }

  const session = createSession({
    ...host,
    ask(id, channels) {
      if (stage === 'v1') host.control(question(id, channels))
    },
  })

  const within = (delayMs: number, run: () => void): void => timers.set('greeting', delayMs, run)

  const begin = (): void => {
    stage = 'plain'
    timers.clear('greeting')
    const token = host.token()
    if (token) host.reply(auth(token))
    host.proved()
  }

  const unheard = (): void => host.fail('No welcome in time', true)

  const hello = (): void => {
    stage = 'welcome'
    within(WELCOME_MS, unheard)
    const contact = session.contact()
    carried = contact.tok
    // The others follow.
    told = inParts(host.channels())[0] ?? []
    host.reply(frame('hello', { ...contact, token: host.token(), channels: positions(told) }))
  }

  /**
   * A server that has lost the session would make `unknown` what it is given: so it is asked first. One that has heard
   * nothing of us for long may have forgotten us, too.
   */
  const isKnown = (unsure: boolean): boolean =>
    session.knows() && !unsure && host.monotonicNow() - answeredAt <= sessionTtlMs / 2

  // While a link may be proving itself, a request with a higher `gen` would end it.
  const mayPost = (): boolean => posts && stage === 'none'

  const broken = (): void => host.fail('Protocol error')

  /** The reserved types, and what they mean. */
  const meanings: Readonly<Record<string, Meaning>> = {
    connection({ heartbeat, rateLimit, maxPayload, protocol }) {
      const { intervalMs, timeoutMs } = fields(heartbeat)
      const { limit, perMs } = fields(rateLimit)
      const most = positive(limit)
      const window = positive(perMs)
      // Where it comes too late for this link, the next one waits for it.
      const speaks = protocol === 1 && version !== 0 && server === 'v1'
      if (speaks && !session.id()) return host.refuse(NO_SECRET, 'runtime')
      spoken ||= speaks
      host.terms({
        intervalMs: positive(intervalMs),
        timeoutMs: positive(timeoutMs),
        ratePerSecond: most && window && (most / window) * 1000,
        maxPayload: positive(maxPayload),
      })
      if (speaks && stage === 'first') hello()
    },
    welcome(data) {
      if (stage !== 'welcome') return
      if (!answered(data, carried, host.monotonicNow())) return broken()
      // A listener that heard what became of its message may have ended the link.
      if (stage !== 'welcome') return
      stage = 'v1'
      timers.clear('greeting')
      // What a poll may have asked meanwhile, nobody has heard.
      session.unasked()
      session.verdicts(data['channels'])
      if (stage !== 'v1') return
      // What it says nothing of is asked for again, and has its answer then.
      const known = told.filter(channel => Object.hasOwn(fields(data['channels']), channel))
      host.proved({
        maxInFlight: positive(data['maxInFlight']) ?? MAX_IN_FLIGHT,
        told: known,
      })
    },
    ack({ seq }) {
      if (stage === 'v1' && !(isWhole(seq) && host.acked(seq))) broken()
    },
    nack({ seq, code, message }, { replyTo }) {
      if (stage !== 'v1' || !isWhole(seq)) return
      host.refused(text(replyTo), text(code) ?? 'INTERNAL', text(message) ?? `${code}`)
      host.refusedAt(seq, `${code}`)
    },
    subscribed({ channels }, { replyTo }) {
      if (stage !== 'v1') return
      const id = text(replyTo)
      const given = { ...fields(channels) }
      const { newest, askedAgain } = questions.take(id)
      for (const channel of newest) if (!Object.hasOwn(given, channel)) host.denied(channel)
      for (const channel of askedAgain) {
        // Asked again since, from nowhere: the answer to that says where it begins.
        if (!session.position(channel)) delete given[channel]
      }
      session.verdicts(given, { id })
    },
    ping({ heads }, { data, id }) {
      host.reply(JSON.stringify({ type: 'pong', data, timestamp: host.now(), replyTo: id }))
      if (stage === 'v1') session.heads(fields(heads))
    },
    pong(_data, message) {
      const ping = pings.answered(text(message['replyTo']))
      if (ping?.byHand) host.message(message as unknown as IncomingEnvelope, ping.id)
      else if (ping) host.pong(ping.id)
      else host.dropped('reserved', message)
    },
    error({ code, message, id, retryAfterMs }, { replyTo }) {
      const name = text(code) ?? 'INTERNAL'
      const limited = name === 'RATE_LIMITED'
      if (limited) {
        host.slowDown(positive(retryAfterMs) ?? 1000)
        session.askAgain()
      }
      // Where there are acks, what was over the rate is sent again.
      const about = limited && stage === 'v1' ? undefined : (text(id) ?? text(replyTo))
      host.refused(about, name, text(message) ?? name)
    },
    reconnect: ({ afterMs, jitterMs }) =>
      host.leave((positive(afterMs) ?? 0) + host.random() * (positive(jitterMs) ?? 0)),
    ...Object.fromEntries(UNREAD.map(type => [type, () => {}])),
    ...Object.fromEntries(
      OF_CLIENTS.map(type => [type, (_data, message) => host.dropped('reserved', message)]),
    ),
  }
  const OF_V1 = byLength(Object.entries(meanings))
  const OF_PLAIN = byLength(Object.entries(meanings).filter(([type]) => PLAIN_TYPES.includes(type)))

  const bad = (message: unknown, thrown: unknown): void => {
    host.dropped('undecodable', message)
    host.error('BAD_MESSAGE', thrown)
  }

  /** `placed`: it comes from a server of v1. To any other positions mean nothing: nobody could ask for what is missing. */
  const deliver = (message: unknown, placed: boolean): void => {
    const { channel, offset } = fields(message)
    if (placed && typeof channel === 'string' && isWhole(offset)) {
      const obstacle = session.obstacle(channel, offset)
      if (obstacle) return host.dropped(obstacle, message)
    }
    host.message(message as IncomingEnvelope)
  }

  /** `posted`: it came with the answer to a POST, which only servers of v1 take. */
  const element = (message: unknown, posted = false): void => {
    const { type, data } = fields(message)
    try {
      if (typeof type !== 'string') throw new Error(NO_TYPE)
      if (server === 'silent' && !posted) {
        server = type === 'connection' && fields(data)['protocol'] === 1 ? 'v1' : 'plain'
      }
      const act = meaningIn(posted || server === 'v1' ? OF_V1 : OF_PLAIN, type)
      if (act) act(fields(data), message as Fields)
      else deliver(message, posted || (stage !== 'first' && stage !== 'plain'))
    } catch (thrown) {
      bad(message, thrown)
    }
  }

  const elements = (messages: unknown): void => {
    if (!Array.isArray(messages)) return element(messages)
    // A listener may end the link: the rest of the frame is then another link's to bring.
    for (const each of messages) {
      if (stage === 'none') host.dropped('ended', each)
      else element(each)
    }
  }

  return {
    opened() {
      stage = 'first'
      server = 'silent'
      if (!version) return begin()
      if (spoken) within(WELCOME_MS, unheard)
      else within(FIRST_FRAME_MS, begin)
    },
    closed() {
      if (stage === 'plain') session.adrift()
      stage = 'none'
      polledBefore = false
      timers.clear('greeting')
      session.unasked()
      questions.clear()
      pings.clear()
    },
    receive(payload) {
      let parsed: unknown
      try {
        // A binary frame is no JSON either: its text begins with `[object`.
        parsed = JSON.parse(payload as string)
      } catch (thrown) {
        bad(payload, undecodable(payload, thrown))
      }
      if (parsed !== undefined) elements(parsed)
      if (stage !== 'first') return
      if (spoken) host.fail('The server does not speak protocol v1')
      else begin()
    },
    read,
    encode(message, id) {
      const { type, seq, data, timestamp = host.now(), ...others } = fields(message)
      if (!text(type)) {
        throw new TypeError(
          `send: expected { type: string, data }, got type ${show(type)}; use raw() for other frames`,
        )
      }
      const encoded = json({ timestamp, type, ...others, id })
      const encodedData = json(data)
      if (data !== undefined && encodedData === undefined) {
        throw new TypeError(`send: expected data that JSON can hold, got ${show(data)}`)
      }
      const encodedSeq = json(seq)
      // Where the outbox finds it: a session has a `seq` of its own.
      const start = encodedSeq === undefined ? '{' : `{"seq":${encodedSeq},`
      const end = encodedData === undefined ? '}' : `,"data":${encodedData}}`
      return `${start}${(encoded as string).slice(1, -1)}${end}`
    },
    idOf(message) {
      const { id } = fields(message)
      if (id === undefined || typeof id === 'string') return id
      throw new TypeError(`send: expected an id that is a string, got ${show(id)}`)
    },
    ping(id) {
      pings.sent(id, false)
      return frame('ping', { timestamp: host.now() }, id)
    },
    auth,
    tell: (type, channels) =>
      stage === 'v1' && type === 'subscribe'
        ? question(host.newId(), channels)
        : frame(type, { [field]: channels }),
    subscriptionOf({ type }, frame) {
      if (type !== 'subscribe' && type !== 'unsubscribe') return undefined
      // As the server will read it.
      const { channels, symbols } = fields(fields(JSON.parse(frame as string))['data'])
      field = symbols ? 'symbols' : 'channels'
      const named = symbols ?? channels
      const list = Array.isArray(named) ? named : Object.keys(fields(named))
      return { type, channels: list.filter(text) }
    },
    reserved: ({ type }) => meaningIn(OF_V1, type) !== undefined && !BY_HAND.includes(type),
    unplaced: ({ type }) => type === 'ping',
    sent: id => pings.sent(id, true),
    forget: session.forget,
    renew() {
      users++
      session.renew()
    },
    sessionId: () => (spoken ? (session.id() ?? null) : null),
    since(channel) {
      const position = session.position(channel)
      return position ? `${channel}:${position.epoch}:${position.offset}` : undefined
    },
    polled(body) {
      const { protocol, channels, messages } = fields(body)
      posts = version !== 0 && protocol === 1 && Array.isArray(messages)
      if (posts && !session.id()) {
        posts = false
        host.refuse(NO_SECRET, 'runtime')
        return []
      }
      if (!posts) {
        // Somebody else answers: the server may be gone, and forget us.
        session.adrift()
        answeredAt = Number.NEGATIVE_INFINITY
        return undefined
      }
      // A link that has just opened is waited for as one of v1.
      if (stage === 'first' && !spoken) within(WELCOME_MS, unheard)
      spoken = true
      const list = messages as Fields[]
      const firsts = new Map<unknown, number>()
      for (const message of list) {
        const { channel, offset } = fields(message)
        if (isWhole(offset) && !firsts.has(channel)) firsts.set(channel, offset)
      }
      session.verdicts(channels, { firsts, quiet: polledBefore })
      polledBefore = true
      return list
    },
    deliver(message) {
      const { type } = fields(message)
      // What `fallback.parse` makes is the application's own.
      if (posts && typeof type !== 'string') bad(message, new Error(NO_TYPE))
      else if (meaningIn(posts ? OF_V1 : OF_PLAIN, `${type}`)) host.dropped('reserved', message)
      else deliver(message, posts)
    },
    posts: () => mayPost() && host.waiting(),
    prepare(unsure) {
      if (mayPost() && isKnown(unsure)) host.prepare()
    },
    post(unsure) {
      if (!mayPost()) return undefined
      const known = isKnown(unsure)
      const frames = known ? host.take() : []
      if (known ? !frames.length : !host.waiting()) return undefined
      const contact = session.contact()
      posted = contact.tok
      postedAt = host.monotonicNow()
      return `${JSON.stringify(contact).slice(0, -1)},"messages":[${frames}]}`
    },
    posted(answer) {
      const user = users
      const { messages, retryAfterMs } = fields(answer)
      // First, since what an ack settles may make room for more.
      const wait = positive(retryAfterMs)
      if (wait) host.slowDown(wait)
      if (!answer || !answered(answer as Fields, posted, postedAt)) {
        host.untaken()
        return false
      }
      for (const each of Array.isArray(messages) ? messages : []) {
        if (user === users) element(each, true)
        else host.dropped('ended', each)
      }
      return true
    },
  }
}

/** The JSON envelope. Exactly once per `id` from any server that sets ids; more from one that speaks protocol v1. */
export const envelope = (
  options: EnvelopeOptions = {},
): Protocol<IncomingEnvelope, OutgoingEnvelope> => {
  const { version = 'auto' } = options
  if (version !== 'auto' && version !== 0 && version !== 1) {
    throw new RangeError(`envelope.version: expected 'auto', 0 or 1, got ${version}`)
  }
  // Two that speak otherwise are named otherwise.
  const name = version === 'auto' ? 'envelope' : `envelope v${version}`
  return { name, attach: host => converse(host, version) }
}

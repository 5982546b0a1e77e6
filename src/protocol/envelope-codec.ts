/** How a message of the application becomes a frame of JSON, and what is wrong with one that cannot. Pure. */
import type { OutgoingEnvelope } from './envelope-types.ts'
import { type Fields, fields, text } from './fields.ts'

/** Fields that a class may have as getters, which neither JSON nor a spread finds. */
const NAMES = /* @__PURE__ */ 'type data timestamp id seq channel replyTo'.split(' ')

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

const unreadable = (cause: unknown): TypeError =>
  new TypeError(`send: expected data that JSON can hold (${cause})`, { cause })

const stringify = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw unreadable(error)
  }
}

const isLiteral = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  (value as Fields)['toJSON'] === undefined

/**
 * Reads each field once. JSON.stringify needs half the memory for an object whose fields were all there from the start, so
 * that those of nearly every message are named here, whether it has them or not.
 */
const copyOf = (message: OutgoingEnvelope): OutgoingEnvelope => {
  for (const name in message) {
    if (name !== 'type' && name !== 'data' && name !== 'timestamp' && name !== 'id') {
      return { ...message }
    }
  }
  const { type, data, timestamp, id } = message
  return { timestamp, type, id, data } as OutgoingEnvelope
}

/** JSON can hold this, or says itself why not: it is never left out without a word. */
const isKept = (data: unknown): boolean =>
  typeof data === 'object'
    ? typeof (data as { toJSON?: unknown } | null)?.toJSON !== 'function'
    : /^(string|number|boolean|undefined)$/.test(typeof data)

/**
 * The fields of a message, read once: as JSON would have them, and those that a class has as getters. Throws a
 * `TypeError` for anything but an object.
 */
export const readMessage = (message: OutgoingEnvelope): OutgoingEnvelope => {
  try {
    if (isLiteral(message)) return copyOf(message)
  } catch (error) {
    throw unreadable(error)
  }
  let given: unknown
  let plain: Fields
  try {
    const { toJSON } = fields(message)
    given = typeof toJSON === 'function' ? toJSON.call(message, '') : message
    const all = fields(given)
    plain = { ...all }
    for (const name of NAMES) if (!Object.hasOwn(plain, name)) plain[name] = all[name]
    delete plain['toJSON']
  } catch (error) {
    throw unreadable(error)
  }
  if (typeof given !== 'object' || !given || Array.isArray(given)) {
    const from = given === message ? '' : ' from its toJSON()'
    throw new TypeError(
      `send: expected { type: string, data }, got ${show(given)}${from}; use raw() for other frames`,
    )
  }
  return plain as unknown as OutgoingEnvelope
}

/**
 * The frame of a message that `readMessage()` made, which gets its missing `id` and `timestamp`. A `seq` of the application's comes first, where the outbox finds it: a session
 * has a `seq` of its own. Throws a `TypeError` for a message without a type, and for data that JSON cannot hold.
 */
export const encodeMessage = (message: OutgoingEnvelope, id: string, now: number): string => {
  const own = message as unknown as Fields
  const { type } = own
  if (!text(type)) {
    throw new TypeError(
      `send: expected { type: string, data }, got type ${show(type)}; use raw() for other frames`,
    )
  }
  try {
    if (own['seq'] === undefined && isKept(own['data'])) {
      if (own['timestamp'] === undefined) own['timestamp'] = now
      own['id'] = id
      return JSON.stringify(own)
    }
  } catch (error) {
    throw unreadable(error)
  }
  const { seq, data, timestamp = now, type: _type, ...others } = own
  const encoded = stringify({ timestamp, type, ...others, id })
  const encodedData = stringify(data)
  if (data !== undefined && encodedData === undefined) {
    throw new TypeError(`send: expected data that JSON can hold, got ${show(data)}`)
  }
  const encodedSeq = stringify(seq)
  const start = encodedSeq === undefined ? '{' : `{"seq":${encodedSeq},`
  const end = encodedData === undefined ? '}' : `,"data":${encodedData}}`
  return `${start}${(encoded as string).slice(1, -1)}${end}`
}

/** The id that the application gave to a message, if it did. Throws a `TypeError` for one that is no string. */
export const idOf = (message: OutgoingEnvelope): string | undefined => {
  const { id } = fields(message)
  if (id === undefined || typeof id === 'string') return id
  throw new TypeError(`send: expected an id that is a string, got ${show(id)}`)
}

/** Says of a frame that `JSON.parse` does not take what was expected, what came and what to do. */
export const undecodable = (payload: unknown, cause: unknown): Error => {
  const { byteLength, size } = Object(payload)
  const remedy = 'use raw() for a server that does not send JSON'
  const message =
    typeof payload === 'string'
      ? `expected a frame of JSON, got ${payload.length} characters that are none: ${(cause as Error).message}; ${remedy}`
      : `expected a text frame of JSON, got a binary frame of ${byteLength ?? size} bytes; send JSON as text from the server, or ${remedy}`
  return new Error(message, { cause })
}

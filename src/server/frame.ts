/** What a frame holds, and what is wrong with it. Pure. */
import { MAX_ID_LENGTH } from '../protocol/constants.ts'
import type { WireMessage } from '../protocol/wire-types.ts'
import { CHANNEL_WORDS, isChannel } from './channel.ts'

export type Fields = Readonly<Record<string, unknown>>

const MOST_ELEMENTS = 1000
export const LONGEST_TYPE = 64
/** Objects and arrays within each other, the message itself the first: whoever walks deeper may run out of stack. */
const MOST_LEVELS = 32

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const dataOf = (message: Fields): Fields =>
  isObject(message['data']) ? message['data'] : {}

export const replyTo = ({ id }: Fields): Partial<WireMessage> =>
  typeof id === 'string' ? { replyTo: id } : {}

/** Where a message names channels: in a list, or in an object of positions. */
export const namedIn = (message: Fields): unknown => {
  const { channels, symbols } = dataOf(message)
  return channels ?? symbols
}

const NAMES_A_COUNT = 100
const NAMING = ['hello', 'subscribe', 'unsubscribe']

/** What so many names of channels count for in the rate limit. */
export const costOfNames = (names: number): number => Math.max(1, Math.ceil(names / NAMES_A_COUNT))

/** What a message counts for in the rate limit. */
export const costOf = (type: string, message: Fields): number => {
  if (!NAMING.includes(type)) return 1
  const named = namedIn(message)
  if (Array.isArray(named)) return costOfNames(named.length)
  return isObject(named) ? costOfNames(Object.keys(named).length) : 1
}

/** The place in its sequence that a message wants: a `skip` may name it in its data. */
export const placeOf = (message: Fields): unknown =>
  message['type'] === 'skip' && message['seq'] === undefined
    ? dataOf(message)['seq']
    : message['seq']

export const isPlace = (seq: unknown): seq is number =>
  Number.isSafeInteger(seq) && Number(seq) >= 1

/** Who a client says it is, in `hello` or a POST. */
export interface Greeting {
  readonly sid: string
  readonly tok: string | undefined
  readonly gen: number
}

const LONGEST_SID = 128
/** A longer `tok` is none of ours, and nothing keeps it. */
const LONGEST_TOK = 128

/** `undefined`: it is none. A `tok` of `null` is as good as none. */
export const greetingIn = ({ sid, tok, gen }: Fields): Greeting | undefined => {
  if (typeof sid !== 'string' || !sid || sid.length > LONGEST_SID) return undefined
  if (!Number.isSafeInteger(gen) || Number(gen) < 0) return undefined
  if (tok !== undefined && tok !== null && typeof tok !== 'string') return undefined
  const given = typeof tok === 'string' && tok.length > LONGEST_TOK ? '' : tok
  return { sid, tok: given ?? undefined, gen: Number(gen) }
}

/** The elements of a frame; `bad` says why it is none, and `count` what it costs all the same: an empty one as one. */
export interface Frame {
  readonly elements: readonly unknown[]
  readonly count: number
  readonly bad?: string
}

/** `undefined`: a binary frame. */
export const readFrame = (text: string | undefined): Frame => {
  let parsed: unknown
  try {
    if (text === undefined) throw new Error('binary')
    parsed = JSON.parse(text)
  } catch {
    return { elements: [], count: 1, bad: 'Expected JSON text' }
  }
  const elements = Array.isArray(parsed) ? parsed : [parsed]
  const count = Math.max(1, elements.length)
  return count > MOST_ELEMENTS
    ? { elements: [], count, bad: `Expected at most ${MOST_ELEMENTS} messages in a frame` }
    : { elements, count }
}

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (!levels) return true
  for (const key in value) if (isDeeper((value as Fields)[key], levels - 1)) return true
  return false
}

/** One element: its fields, and `bad` says what is wrong with it. */
export interface Element {
  readonly message: Fields
  /** Empty where there is none. */
  readonly type: string
  readonly bad?: string
}

/** Fields that only an application reads, and what each of them is. */
const OF_APPLICATIONS: Readonly<Record<string, (value: unknown) => boolean>> = {
  timestamp: value => typeof value === 'number',
  offset: value => typeof value === 'number',
  replyTo: value => typeof value === 'string' && value.length <= MAX_ID_LENGTH,
}

/** Without those that are of another type: a handler is given what `WireMessage` says. */
const typed = (message: Fields): Fields => {
  const wrong = Object.keys(OF_APPLICATIONS).filter(
    name => message[name] !== undefined && !OF_APPLICATIONS[name]?.(message[name]),
  )
  if (!wrong.length) return message
  return Object.fromEntries(Object.entries(message).filter(([name]) => !wrong.includes(name)))
}

export const readElement = (element: unknown): Element => {
  const message = isObject(element) ? element : {}
  const { type, id } = message
  if (typeof type !== 'string' || !type || type.length > LONGEST_TYPE) {
    const bad = `Expected { type: string of 1 to ${LONGEST_TYPE} characters, data }`
    return { message, type: '', bad }
  }
  if (id !== undefined && (typeof id !== 'string' || !id || id.length > MAX_ID_LENGTH)) {
    // An id that is none is nothing to answer to.
    const { id: _none, ...rest } = message
    return { message: rest, type, bad: `id: expected a string of 1 to ${MAX_ID_LENGTH} characters` }
  }
  if (isDeeper(message, MOST_LEVELS)) {
    return { message, type, bad: `Expected at most ${MOST_LEVELS} levels of objects and arrays` }
  }
  const { channel } = message
  if (channel !== undefined && !isChannel(channel)) {
    return { message, type, bad: `channel: expected ${CHANNEL_WORDS}` }
  }
  return { message: typed(message), type }
}

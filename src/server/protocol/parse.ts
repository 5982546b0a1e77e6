/** The elements of a frame, and what is wrong with one. Pure. */
import { MAX_ID_LENGTH } from '../../protocol/constants.ts'
import type { WireMessage } from '../../protocol/wire-types.ts'
import { CHANNEL_FORM, isChannel } from './channel-name.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Messages in one frame. */
const MAX_ELEMENTS = 1000
/** Characters of a type. */
export const MAX_TYPE_LENGTH = 64
/** Objects and arrays within each other, the message itself the first: code that walks deeper may run out of stack. */
const MAX_LEVELS = 32

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const dataOf = (message: Fields): Fields =>
  isObject(message['data']) ? message['data'] : {}

export const replyTo = ({ id }: Fields): Partial<WireMessage> =>
  typeof id === 'string' ? { replyTo: id } : {}

/** The channels that a message names: a list, or an object of positions. */
export const namedIn = (message: Fields): unknown => {
  const { channels, symbols } = dataOf(message)
  return channels ?? symbols
}

/** Names of channels that count as one message in the rate limit. */
const NAMES_A_COUNT = 100
/** Types that name channels. */
const NAMING = ['hello', 'subscribe', 'unsubscribe']

/** How many messages the names of channels count for in the rate limit. */
export const costOfNames = (names: number): number => Math.max(1, Math.ceil(names / NAMES_A_COUNT))

/** How many messages one message counts for in the rate limit. */
export const costOf = (type: string, message: Fields): number => {
  if (!NAMING.includes(type)) return 1
  const named = namedIn(message)
  if (Array.isArray(named)) return costOfNames(named.length)
  return isObject(named) ? costOfNames(Object.keys(named).length) : 1
}

/** The `seq` of a message, unchecked; a `skip` may have it in its data. */
export const seqOf = (message: Fields): unknown =>
  message['type'] === 'skip' && message['seq'] === undefined
    ? dataOf(message)['seq']
    : message['seq']

export const isSeq = (seq: unknown): seq is number => Number.isSafeInteger(seq) && Number(seq) >= 1

/** The session that a client names, in `hello` or a POST. */
export interface Greeting {
  readonly sid: string
  readonly tok: string | undefined
  readonly gen: number
}

const MAX_SID_LENGTH = 128
/** This server gives out no longer `tok`: nothing needs to keep one. */
const MAX_TOK_LENGTH = 128

/** `undefined` for a malformed one. A `tok` of `null` counts as missing. */
export const greetingIn = ({ sid, tok, gen }: Fields): Greeting | undefined => {
  if (typeof sid !== 'string' || !sid || sid.length > MAX_SID_LENGTH) return undefined
  if (!Number.isSafeInteger(gen) || Number(gen) < 0) return undefined
  if (tok !== undefined && tok !== null && typeof tok !== 'string') return undefined
  const given = typeof tok === 'string' && tok.length > MAX_TOK_LENGTH ? '' : tok
  return { sid, tok: given ?? undefined, gen: Number(gen) }
}

/** The elements of a frame. `problem`: why it was rejected. `count`: the messages that it counts for in the rate limit, at least 1. */
export interface ParsedFrame {
  readonly elements: readonly unknown[]
  readonly count: number
  readonly problem?: string
}

/** Parses a frame; `undefined` stands for a binary one. */
export const readFrame = (text: string | undefined): ParsedFrame => {
  let parsed: unknown
  try {
    if (text === undefined) throw new Error('binary')
    parsed = JSON.parse(text)
  } catch {
    return { elements: [], count: 1, problem: 'Expected JSON text' }
  }
  const elements = Array.isArray(parsed) ? parsed : [parsed]
  const count = Math.max(1, elements.length)
  return count > MAX_ELEMENTS
    ? { elements: [], count, problem: `Expected at most ${MAX_ELEMENTS} messages in a frame` }
    : { elements, count }
}

const isDeeper = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (!levels) return true
  for (const key in value) if (isDeeper((value as Fields)[key], levels - 1)) return true
  return false
}

/** One element of a frame. `problem`: why it is malformed. */
export interface Element {
  readonly message: Fields
  /** Empty if it has none. */
  readonly type: string
  readonly problem?: string
}

/** Fields that only an application reads, with the check of their types. */
const APPLICATION_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  timestamp: value => typeof value === 'number',
  offset: value => typeof value === 'number',
  replyTo: value => typeof value === 'string' && value.length <= MAX_ID_LENGTH,
}

/** Leaves out fields of a wrong type, so that a handler gets what `WireMessage` declares. */
const withTypedFields = (message: Fields): Fields => {
  const wrong = Object.keys(APPLICATION_FIELDS).filter(
    name => message[name] !== undefined && !APPLICATION_FIELDS[name]?.(message[name]),
  )
  if (!wrong.length) return message
  return Object.fromEntries(Object.entries(message).filter(([name]) => !wrong.includes(name)))
}

export const readElement = (element: unknown): Element => {
  const message = isObject(element) ? element : {}
  const { type, id } = message
  if (typeof type !== 'string' || !type || type.length > MAX_TYPE_LENGTH) {
    const problem = `Expected { type: string of 1 to ${MAX_TYPE_LENGTH} characters, data }`
    return { message, type: '', problem }
  }
  if (id !== undefined && (typeof id !== 'string' || !id || id.length > MAX_ID_LENGTH)) {
    // Leave an invalid id out, or it would be echoed as `replyTo`.
    const { id: _none, ...rest } = message
    return {
      message: rest,
      type,
      problem: `id: expected a string of 1 to ${MAX_ID_LENGTH} characters`,
    }
  }
  if (isDeeper(message, MAX_LEVELS)) {
    return { message, type, problem: `Expected at most ${MAX_LEVELS} levels of objects and arrays` }
  }
  const { channel } = message
  if (channel !== undefined && !isChannel(channel)) {
    return { message, type, problem: `channel: expected ${CHANNEL_FORM}` }
  }
  return { message: withTypedFields(message), type }
}

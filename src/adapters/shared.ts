/**
 * Clients that several callers share: one per url, counted, and closed one macrotask after the last
 * caller has gone, so that StrictMode, fast refresh and a remount never redial.
 */
import {
  createResilientWebSocket,
  DEFAULTS,
  type ResilientWebSocket,
  type ResilientWebSocketOptions,
} from 'resilient-websocket'
import { type Callbacks, type ClientChoice, clientOptions } from './options.ts'

type Choice<Incoming, Outgoing> = ClientChoice<Incoming, Outgoing> & Callbacks<Incoming>

// biome-ignore lint/suspicious/noExplicitAny: one registry holds clients of every kind of message
type AnyChoice = Choice<any, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyHeld = Held<any, any>

/** A client in the care of its callers. */
export interface Held<Incoming = unknown, Outgoing = unknown> {
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
  /** What it was made from. */
  readonly options: ResilientWebSocketOptions<Incoming, Outgoing>
  readonly target: Target
  /** A caller wanted it to connect. Until then it is CLOSED, but only because nobody has come yet. */
  readonly started: boolean
  /** Nobody used it any more. */
  readonly closed: boolean
}

/** One caller's use of a client. */
export interface Lease<Incoming, Outgoing> {
  /** Another one than asked for, if that had been closed meanwhile. */
  readonly held: Held<Incoming, Outgoing>
  /** The caller's newest options: its functions count from now on, and so does `enabled`. */
  update(options: Choice<Incoming, Outgoing>): void
  /** Idempotent. */
  release(): void
}

/** What makes two callers mean the same client. */
interface Target {
  readonly shared: boolean
  readonly url: unknown
  readonly wire: string
  readonly environment: unknown
}

interface Entry extends AnyHeld {
  started: boolean
  closed: boolean
  /** In the order of their coming: the first one's functions are called. */
  readonly users: Set<{ options: AnyChoice }>
  /** The last decision about connecting, so that a `disconnect()` by hand is not undone. */
  wanted: boolean
  timer: ReturnType<typeof setTimeout> | undefined
  warned: boolean
}

/**
 * The one piece of module state: two components that know nothing of each other can meet nowhere
 * else. It holds only clients in use (or looked up within the last second), and on a server none.
 */
const entries = new Set<Entry>()

/** A render that looked a client up but was thrown away (Suspense) never says so. */
const UNUSED_MS = 1000

const targetOf = (options: AnyChoice): Target => {
  const { share = true, url = DEFAULTS.url, protocols, protocol, environment } = options
  return {
    shared: share,
    url: typeof url === 'function' ? url : `${url}`,
    wire: JSON.stringify([
      typeof protocols === 'function' ? 'asked' : protocols,
      protocol?.name ?? 'envelope',
    ]),
    environment,
  }
}

/**
 * True while these options still mean this client. Functions and environments written inline are
 * new on every render and mean the same all the time.
 */
export const isFor = (held: AnyHeld, options: AnyChoice): boolean => {
  const { shared, url, wire } = targetOf(options)
  const { target } = held
  return (
    target.shared === shared &&
    target.wire === wire &&
    (target.url === url || (typeof target.url === 'function' && typeof url === 'function'))
  )
}

/** Not to be called late: the runtime's parts, and what has methods of its own. */
const AS_IT_IS = ['environment', 'protocol', 'schema', 'logger', 'signal']

/** The same options, but each function asks for the newest one of its name when it is called. */
const withLateFunctions = (given: object, newest: () => object | undefined): object =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const current = (): unknown => (newest() as Record<string, unknown> | undefined)?.[name]
      if (AS_IT_IS.includes(name) || value instanceof URL) return [name, value]
      if (typeof value === 'function') {
        return [
          name,
          (...args: unknown[]) => {
            const now = current() ?? value
            return typeof now === 'function' ? now(...args) : now
          },
        ]
      }
      const section = typeof value === 'object' && value && !Array.isArray(value)
      return [name, section ? withLateFunctions(value, current as () => object) : value]
    }),
  )

const create = (options: AnyChoice, target: Target): Entry => {
  const users: Entry['users'] = new Set()
  const given = clientOptions(options)
  const newest = (): object => {
    const [first] = users
    return first?.options ?? given
  }
  return {
    socket: createResilientWebSocket({ ...withLateFunctions(given, newest), enabled: false }),
    options: given,
    target,
    users,
    started: false,
    closed: false,
    wanted: false,
    timer: undefined,
    warned: false,
  }
}

const shown = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, part) => (typeof part === 'function' ? 'function' : part))

/** Says so, once, when a second caller wants what the first one's client does not do. */
const warnOfOthers = (entry: Entry, options: AnyChoice): void => {
  if (entry.warned) return
  const made = entry.options as Record<string, unknown>
  const differing = Object.entries(clientOptions(options))
    .filter(([name]) => !AS_IT_IS.includes(name) && name !== 'enabled' && name !== 'url')
    .filter(([name, value]) => value !== undefined && shown(value) !== shown(made[name]))
    .map(([name]) => name)
  if (!differing.length) return
  entry.warned = true
  console.warn(
    `resilient-websocket: ${entry.target.url} is shared, and the options of its first caller count; another one gave other values for: ${differing.join(', ')}. Give the same ones, or share: false.`,
  )
}

/** Decides what the users' comings and goings mean. Connecting is done at once, leaving a little later. */
const settle = (entry: Entry, graceMs = 0): void => {
  const { users, socket } = entry
  const wanted = [...users].some(({ options }) => options.enabled !== false)
  clearTimeout(entry.timer)
  if (wanted && !entry.wanted) {
    entry.wanted = entry.started = true
    socket.connect()
  }
  if (users.size && wanted === entry.wanted) return
  entry.timer = setTimeout(() => {
    if (users.size) {
      entry.wanted = false
      socket.disconnect()
      return
    }
    entry.closed = true
    entries.delete(entry)
    socket.close()
  }, graceMs)
}

/**
 * The client that these options mean; opens nothing. Made for rendering: a client that nobody
 * acquires is forgotten.
 */
export const lookUp = <Incoming, Outgoing>(
  options: Choice<Incoming, Outgoing>,
): Held<Incoming, Outgoing> => {
  const target = targetOf(options)
  const { shared, url, wire, environment } = target
  const known =
    shared &&
    [...entries].find(
      each =>
        each.target.url === url &&
        each.target.wire === wire &&
        each.target.environment === environment,
    )
  if (known) {
    warnOfOthers(known, options)
    return known
  }
  const entry = create(options, target)
  // On a server nothing is acquired, nothing opened and nothing kept.
  if (typeof window !== 'undefined') {
    if (shared) entries.add(entry)
    settle(entry, UNUSED_MS)
  }
  return entry
}

/** Uses a client until `release()`, and connects it if `enabled`. */
export const acquire = <Incoming, Outgoing>(
  wanted: Held<Incoming, Outgoing>,
  options: Choice<Incoming, Outgoing>,
): Lease<Incoming, Outgoing> => {
  const held = wanted.closed ? lookUp(options) : wanted
  const entry = held as Entry
  const user: { options: AnyChoice } = { options }
  entry.users.add(user)
  settle(entry)
  return {
    held,
    update(next) {
      const before = user.options
      user.options = next
      const { token } = next
      if (typeof token === 'string' && token !== before.token) held.socket.setToken(token)
      if (next.enabled !== before.enabled) settle(entry)
    },
    release() {
      if (entry.users.delete(user)) settle(entry)
    },
  }
}

/**
 * Clients that several callers share: one per url, protocol and identity, counted, and closed one macrotask
 * after the last caller has gone, so that StrictMode, fast refresh and a remount never redial. A client is
 * never inherited by another user: docs/decisions/0033-never-inherited.md has the rules.
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
  /** A caller wanted it to connect. Until then it is CLOSED, but only because nobody has come yet. */
  readonly started: boolean
  /** Nobody used it any more. */
  readonly closed: boolean
  /** The client that will most likely be used instead, once its callers are known to stay. */
  readonly likely: Held<Incoming, Outgoing> | undefined
}

/** One caller's use of a client. */
export interface Lease<Incoming, Outgoing> {
  /** Another one than asked for, if that was closed or must not be used. */
  readonly held: Held<Incoming, Outgoing>
  /** The caller's newest options: its functions count from now on, and another token string is told. */
  renew(options: Choice<Incoming, Outgoing>): void
  /** Connects or disconnects as `enabled` says now. To be called once at least: until then nothing is dialed. */
  settle(): void
  /**
   * Whether the caller is kept without being shown. It goes on using the client, but says nothing of who is in front
   * of the page: for that, it is gone.
   */
  setAway(away: boolean): void
  /** Idempotent. */
  release(): void
}

/** What makes two callers mean the same client. */
interface Target {
  /** No client yet: a `socket` that is still to come. */
  readonly none: boolean
  readonly shared: boolean
  readonly url: unknown
  readonly protocols: string
  readonly protocol: unknown
  readonly environment: unknown
  readonly identity: string | null | undefined
  readonly token: 'none' | 'string' | 'function'
}

interface User {
  options: AnyChoice
  /** Not shown at the moment. */
  away: boolean
}

interface Entry extends AnyHeld {
  target: Target
  started: boolean
  closed: boolean
  likely: Entry | undefined
  /** In the order of their coming: the first one's functions are called. */
  readonly users: Set<User>
  /** The options of those who have gone since the last one came. */
  readonly gone: Set<AnyChoice>
  /** All that have ever used it: the same component may let go and come back. */
  readonly known: WeakSet<object>
  used: boolean
  /** As set by the option, or by `setIdentity()`. */
  identity: string | null | undefined
  /** The token string that it has; a function's answers are not known. */
  token: string | undefined
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

const isFunction = (value: unknown): boolean => typeof value === 'function'

const targetOf = (options: AnyChoice): Target => {
  const { share = true, url = DEFAULTS.url, protocols, protocol, environment } = options
  const { identity, token } = options
  return {
    none: 'socket' in options && !options.socket,
    shared: share,
    url: isFunction(url) ? url : `${url}`,
    protocols: isFunction(protocols) ? 'function' : JSON.stringify([protocols ?? []].flat()),
    protocol,
    environment,
    identity,
    token: isFunction(token) ? 'function' : token ? 'string' : 'none',
  }
}

const sameProtocol = (one: unknown, other: unknown): boolean => {
  const nameOf = (protocol: unknown): string =>
    (protocol as { name: string } | undefined)?.name ?? 'envelope'
  return one === other || nameOf(one) === nameOf(other)
}

/** Names of options by which one caller's two renderings mean different clients. */
const differences = (before: Target, after: Target): readonly (keyof Target)[] =>
  (Object.keys(after) as (keyof Target)[]).filter(name => {
    if (name === 'environment') return false
    if (name === 'protocol') return !sameProtocol(before.protocol, after.protocol)
    // Functions and environments written inline are new on every render and mean the same all the time.
    return before[name] !== after[name] && !(isFunction(before[name]) && isFunction(after[name]))
  })

/**
 * The options by which a caller means another client than with those before: its name for each; none while they
 * mean the same. A token that comes while nothing was dialed yet is no other client.
 */
export const changesOf = (
  held: AnyHeld,
  before: AnyChoice,
  after: AnyChoice,
): readonly string[] => {
  const [from, to] = [targetOf(before), targetOf(after)]
  const comes = from.token === 'none' && to.token === 'string' && !held.started
  return differences(from, to).filter(name => name !== 'token' || !comes)
}

/** Sections of options, in which functions may stand, too. */
const SECTIONS = ['reconnect', 'heartbeat', 'fallback', 'queue', 'batch', 'dedupe', 'history']

/** Not to be called late: the runtime's parts, and what has methods of its own. */
const AS_IT_IS = ['environment', 'protocol', 'schema', 'logger', 'signal']

/** The same options, but each function asks for the newest one of its name when it is called. */
const withLateFunctions = (
  given: object,
  newest: () => object | undefined,
  sections: readonly string[] = SECTIONS,
): object =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const current = (): unknown => (newest() as Record<string, unknown> | undefined)?.[name]
      if (AS_IT_IS.includes(name)) return [name, value]
      if (typeof value === 'function') {
        return [
          name,
          (...args: unknown[]) => {
            const now = current() ?? value
            return typeof now === 'function' ? now(...args) : now
          },
        ]
      }
      const section = sections.includes(name) && value && typeof value === 'object'
      return [name, section ? withLateFunctions(value, current as () => object, []) : value]
    }),
  )

const create = (options: AnyChoice, target: Target): Entry => {
  const users: Entry['users'] = new Set()
  const { environment } = options
  const given = target.none ? { ...(environment && { environment }) } : clientOptions(options)
  const newest = (): object => {
    const [first] = users
    return first?.options ?? given
  }
  const socket = createResilientWebSocket({ ...withLateFunctions(given, newest), enabled: false })
  const entry: Entry = {
    socket,
    options: given,
    target,
    users,
    gone: new Set(),
    known: new WeakSet(),
    likely: undefined,
    used: false,
    started: false,
    closed: false,
    identity: target.identity,
    token: typeof options.token === 'string' && options.token ? options.token : undefined,
    wanted: false,
    timer: undefined,
    warned: false,
  }
  if (target.none) {
    // Nobody has said yet where to: not even by hand.
    socket.connect = socket.reconnect = () => {}
    return entry
  }
  const { setIdentity, setToken } = socket
  socket.setIdentity = id => {
    // The first name that a client gets is that of the user it has; any other one ends what it knew.
    if (id !== entry.identity && entry.identity !== undefined) entry.token = undefined
    entry.identity = id
    setIdentity(id)
  }
  socket.setToken = token => {
    setToken(token)
    entry.token = token
  }
  return entry
}

const shown = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value, (_, part) => (isFunction(part) ? 'function' : part))
  } catch {
    // Cyclic, so no option that the client takes.
    return undefined
  }
}

/** These say which client is meant, or are up to each caller. */
const NOT_COMPARED = ['url', 'protocols', 'protocol', 'environment', 'identity', 'token', 'enabled']

/** Names of options that the second one gives, and gives otherwise than the first. */
const differing = (made: object, wanted: object): readonly string[] =>
  Object.entries(wanted)
    .filter(([name, value]) => !NOT_COMPARED.includes(name) && value !== undefined)
    .filter(([name, value]) => {
      const other = (made as Record<string, unknown>)[name]
      return AS_IT_IS.includes(name) ? value !== other : shown(value) !== shown(other)
    })
    .map(([name]) => name)

/** Says so, once, when a second caller wants what the first one's client does not do. */
const warnOfOthers = (entry: Entry, options: AnyChoice): void => {
  if (entry.warned) return
  const names = differing(entry.options, clientOptions(options)).filter(
    name => !AS_IT_IS.includes(name),
  )
  if (!names.length) return
  entry.warned = true
  const { url } = entry.target
  // Without its query, which may hold a secret.
  const name = typeof url === 'string' ? url.split('?')[0] : 'A client'
  console.warn(
    `resilient-websocket: ${name} is shared, and the options of its first caller count; another one gave other values for: ${names.join(', ')}. Give the same ones, or share: false.`,
  )
}

const asks = ({ url, protocols, token }: Target): boolean =>
  isFunction(url) || protocols === 'function' || token === 'function'

/** True while this client is what these options mean, as far as they say. */
const fits = (entry: Entry, wanted: Target, token: unknown): boolean => {
  const { target } = entry
  if (
    target.url !== wanted.url ||
    target.protocols !== wanted.protocols ||
    target.environment !== wanted.environment ||
    !sameProtocol(target.protocol, wanted.protocol) ||
    // Where no option says it, `setIdentity()` is called by hand, for all callers alike.
    (target.identity === undefined ? undefined : entry.identity) !== wanted.identity
  ) {
    return false
  }
  if (wanted.identity !== undefined) {
    return wanted.token !== 'function' || target.token === 'function'
  }
  return wanted.token === 'string' ? token === entry.token : wanted.token === target.token
}

/** True if nothing that only a function knows, or that was said by hand, may belong to another user. */
const isCertain = (entry: Entry, wanted: Target): boolean =>
  wanted.identity !== undefined ||
  (!asks(wanted) && !asks(entry.target) && entry.identity === undefined)

/** Somebody uses it with whom a caller of these options shares it. */
const isJoinable = (entry: Entry, wanted: Target): boolean =>
  [...entry.users].some(({ away }) => !away || isCertain(entry, wanted))

/** The last caller has gone; this one means the same client, and would make the same one. */
const isReusable = (entry: Entry, wanted: Target, options: AnyChoice): boolean =>
  fits(entry, wanted, options.token) &&
  isCertain(entry, wanted) &&
  [...entry.gone].some(each => {
    const [before, after] = [clientOptions(each), clientOptions(options)]
    return !differing(before, after).length && !differing(after, before).length
  })

/** Decides what the users' comings and goings mean. Connecting is done at once, leaving a little later. */
const settle = (entry: Entry, graceMs = 0): void => {
  const { users, socket } = entry
  const wanted = [...users].some(({ options }) => options.enabled !== false)
  clearTimeout(entry.timer)
  if (wanted && !entry.wanted) {
    entry.wanted = true
    entry.started = !entry.target.none
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
 * acquires is forgotten. Where those who use a client may be about to go, it is one of its own
 * until `acquire()`: nothing of another user is shown, and nothing sent as that one.
 */
export const lookUp = <Incoming, Outgoing>(
  options: Choice<Incoming, Outgoing>,
): Held<Incoming, Outgoing> => {
  const target = targetOf(options)
  const shared = target.shared && !target.none
  const fitting = shared ? [...entries].filter(each => fits(each, target, options.token)) : []
  const inUse = fitting.find(each => isJoinable(each, target))
  if (inUse && isCertain(inUse, target)) return inUse
  const left = fitting.find(
    each => each.used && !each.users.size && isReusable(each, target, options),
  )
  if (left) return left
  const entry = fitting.find(({ used }) => !used) ?? create(options, target)
  entry.likely = inUse
  // On a server nothing is acquired, nothing opened and nothing kept.
  if (typeof window !== 'undefined') {
    if (shared) entries.add(entry)
    settle(entry, UNUSED_MS)
  }
  return entry
}

/**
 * This caller will not come. What it has said waits in the client, which is not for the next one to find: that may be
 * another user. Those who have found it already may still use it.
 */
export const abandon = (held: AnyHeld): void => {
  if (!(held as Entry).used) entries.delete(held as Entry)
}

/** The client to use, now that it is known whose callers are still there. */
const choose = (wanted: Entry, options: AnyChoice, self: object): Entry => {
  const target = targetOf(options)
  if (!target.shared || target.none) return wanted.closed ? (lookUp(options) as Entry) : wanted
  const { closed, used, users } = wanted
  if (!closed && used) {
    const mayUse = users.size
      ? fits(wanted, target, options.token) && isJoinable(wanted, target)
      : isReusable(wanted, target, options)
    if (mayUse || wanted.known.has(self)) return wanted
  }
  const inUse = [...entries].find(
    each => each !== wanted && isJoinable(each, target) && fits(each, target, options.token),
  )
  if (!closed && !used) {
    if (!inUse) return wanted
    // Its caller may have sent something: it is nobody else's.
    entries.delete(wanted)
  }
  return inUse ?? (lookUp(options) as Entry)
}

/**
 * Uses a client until `release()`; it connects with the first `settle()`, if `enabled`. `self` stands for
 * the component: it may let go and take the same client again, as StrictMode makes it do.
 */
export const acquire = <Incoming, Outgoing>(
  wanted: Held<Incoming, Outgoing>,
  options: Choice<Incoming, Outgoing>,
  self: object,
): Lease<Incoming, Outgoing> => {
  const entry = choose(wanted as Entry, options, self)
  const { gone, known, socket, target, users } = entry
  if (users.size) warnOfOthers(entry, options)
  const user: User = { options, away: false }
  let enabled: boolean | undefined
  gone.clear()
  known.add(self)
  users.add(user)
  entry.used = true
  if (target.shared && !target.none) entries.add(entry)
  entry.likely = undefined
  clearTimeout(entry.timer)

  const tell = (token: AnyChoice['token'], before: AnyChoice['token']): void => {
    if (typeof token !== 'string' || !token || token === before || token === entry.token) return
    socket.setToken(token)
    // It has one from its callers by now, and is no client of those who give none.
    if (entry.target.token === 'none') entry.target = { ...entry.target, token: 'string' }
    // A refused token ended it, and here is another one.
    if (socket.status === 'ERROR' && entry.wanted) socket.connect()
  }
  // Whoever comes brings the newest token, unless it is the first one of a client that has had others since.
  tell(options.token, entry.options.token)

  return {
    held: entry as AnyHeld,
    renew(next) {
      const { token } = user.options
      user.options = next
      tell(next.token, token)
    },
    settle() {
      const now = user.options.enabled !== false
      if (now !== enabled) settle(entry)
      enabled = now
    },
    setAway(away) {
      user.away = away
    },
    release() {
      if (!users.delete(user)) return
      gone.add(user.options)
      settle(entry)
    },
  }
}

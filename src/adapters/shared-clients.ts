/**
 * Clients that several callers share: one per url, protocol and identity, counted, and closed one macrotask
 * after the last caller has left, so that StrictMode, fast refresh and a remount never redial. A client is
 * never inherited by another user: docs/decisions/0033-never-inherited.md has the rules.
 */
import {
  type AnyChoice,
  type Choice,
  differences,
  fits,
  isCertain,
  type Target,
  targetOf,
} from './client-target.ts'
import { ignoredOptions, makesSame } from './option-differences.ts'
import {
  type AnyHeld,
  type ClientFactory,
  createEntry,
  type Entry,
  type Held,
  isEnded,
  type User,
} from './shared-client.ts'

/** One caller's use of a client. */
export interface Lease<Incoming, Outgoing> {
  /** Another one than was looked up, if that was closed or must not be used. */
  readonly held: Held<Incoming, Outgoing>
  /** The caller's newest options: its functions count from now on, and another token string is passed on. */
  renew(options: Choice<Incoming, Outgoing>): void
  /** Connects or disconnects as `enabled` says now. To be called once at least: until then nothing is dialed. */
  reconcile(): void
  /**
   * Whether the caller is kept without being shown. It goes on using the client, but says nothing of who is in front
   * of the page: for that, it has left.
   */
  setAway(away: boolean): void
  /** Ends the use. Idempotent. */
  release(): void
}

// biome-ignore lint/suspicious/noExplicitAny: one registry holds clients of every kind of message
type AnyLease = Lease<any, any>

/** The clients of one package entry. All entries together have one registry. */
export interface SharedClients {
  /**
   * The client that these options mean; opens nothing. Made for rendering: a client that is never acquired is
   * forgotten. Where those who use a client may be about to leave, the caller gets one of its own
   * until `acquire()`: nothing of another user is shown, and nothing sent as that one.
   */
  lookUp<Incoming, Outgoing>(options: Choice<Incoming, Outgoing>): Held<Incoming, Outgoing>
  /**
   * Uses a client until `release()`; it connects with the first `reconcile()`, if `enabled`. `self` stands for
   * the component: it may let go and take the same client again, as StrictMode makes it do.
   */
  acquire<Incoming, Outgoing>(
    held: Held<Incoming, Outgoing>,
    options: Choice<Incoming, Outgoing>,
    self: object,
  ): Lease<Incoming, Outgoing>
  /**
   * The options by which a caller means another client than with those before: its name for each; none while they
   * mean the same. A token that comes while nothing was dialed yet is no other client.
   */
  changesOf(held: AnyHeld, before: AnyChoice, after: AnyChoice): readonly string[]
}

/**
 * The one piece of module state: two components that know nothing of each other can meet nowhere
 * else. It holds only clients in use (or looked up within the last second), and on a server none.
 */
const entries = new Set<Entry>()

/** A render that looked a client up but was thrown away (Suspense) never says so. */
const UNUSED_MS = 1000

/** A caller uses it with whom one of this target shares it. */
const isJoinable = (entry: Entry, target: Target): boolean =>
  [...entry.users].some(({ away }) => !away || isCertain(entry, target))

/** The last caller has left; this one means the same client, and would make the same one. */
const isReusable = (entry: Entry, target: Target, options: AnyChoice): boolean =>
  fits(entry, target, options.token) &&
  isCertain(entry, target) &&
  [...entry.departed].some(departed => makesSame(departed, options))

/** Acts on the users' comings and goings. Connecting is done at once, leaving a little later. */
const reconcile = (entry: Entry, graceMs = 0): void => {
  const { users, socket } = entry
  const connects = [...users].some(({ options }) => options.enabled !== false)
  clearTimeout(entry.timer)
  if (connects && !entry.connects) {
    entry.connects = true
    entry.started = !entry.target.none
    socket.connect()
  }
  if (users.size && connects === entry.connects) return
  entry.timer = setTimeout(() => {
    if (users.size) {
      entry.connects = false
      socket.disconnect()
      return
    }
    entries.delete(entry)
    socket.close()
  }, graceMs)
}

/**
 * Takes a client that was looked up and never acquired off the registry. What its caller has sent waits in it, and the
 * next caller may be another user. Those who have found it already may still use it.
 */
export const abandon = (held: AnyHeld): void => {
  if (!(held as Entry).used) entries.delete(held as Entry)
}

/** A token string that a caller has now and did not have `before` goes to the client. */
const passToken = (entry: Entry, token: AnyChoice['token'], before: AnyChoice['token']): void => {
  const { socket } = entry
  if (typeof token !== 'string' || !token || token === before || token === entry.token) return
  socket.setToken(token)
  // It has one from its callers by now, and is no client of those who give none.
  if (entry.target.token === 'none') entry.target = { ...entry.target, token: 'string' }
  // A refused token ended it, and here is another one.
  if (socket.status === 'ERROR' && entry.connects) socket.connect()
}

const warnOnce = (entry: Entry, options: AnyChoice): void => {
  const warning = entry.warned
    ? undefined
    : ignoredOptions(entry.options, options, entry.target.url)
  if (!warning) return
  entry.warned = true
  console.warn(warning)
}

const use = (entry: Entry, options: AnyChoice, self: object): AnyLease => {
  const { departed, pastUsers, target, users } = entry
  if (users.size) warnOnce(entry, options)
  const user: User = { options, away: false }
  let enabled: boolean | undefined
  departed.clear()
  pastUsers.add(self)
  users.add(user)
  entry.used = true
  if (target.shared && !target.none) entries.add(entry)
  entry.likely = undefined
  clearTimeout(entry.timer)
  // Whoever comes brings the newest token, unless it is the first one of a client that has had others since.
  passToken(entry, options.token, entry.options.token)

  return {
    held: entry,
    renew(next) {
      const { token } = user.options
      user.options = next
      passToken(entry, next.token, token)
    },
    reconcile() {
      const now = user.options.enabled !== false
      if (now !== enabled) reconcile(entry)
      enabled = now
    },
    setAway(away) {
      user.away = away
    },
    release() {
      if (!users.delete(user)) return
      departed.add(user.options)
      reconcile(entry)
    },
  }
}

/** `factory` makes the clients that are not there yet. */
export const createSharedClients = ({ create, defaults }: ClientFactory): SharedClients => {
  const lookUp = (options: AnyChoice): Entry => {
    const target = targetOf(options, defaults.url)
    const shared = target.shared && !target.none
    const fitting = shared ? [...entries].filter(each => fits(each, target, options.token)) : []
    const inUse = fitting.find(each => isJoinable(each, target))
    if (inUse && isCertain(inUse, target)) return inUse
    const left = fitting.find(
      each => each.used && !each.users.size && isReusable(each, target, options),
    )
    if (left) return left
    const entry = fitting.find(({ used }) => !used) ?? createEntry(options, target, create)
    entry.likely = inUse
    // On a server nothing is acquired, nothing opened and nothing kept.
    if (typeof window !== 'undefined') {
      if (shared) entries.add(entry)
      reconcile(entry, UNUSED_MS)
    }
    return entry
  }

  /** The client to use, now that it is known whose callers are still there. */
  const choose = (held: Entry, options: AnyChoice, self: object): Entry => {
    const target = targetOf(options, defaults.url)
    const ended = isEnded(held)
    if (!target.shared || target.none) return ended ? lookUp(options) : held
    const { pastUsers, used, users } = held
    if (!ended && used) {
      const mayUse = users.size
        ? fits(held, target, options.token) && isJoinable(held, target)
        : isReusable(held, target, options)
      if (mayUse || pastUsers.has(self)) return held
    }
    const inUse = [...entries].find(
      each => each !== held && isJoinable(each, target) && fits(each, target, options.token),
    )
    if (!ended && !used) {
      if (!inUse) return held
      // Its caller may have sent something: it is nobody else's.
      entries.delete(held)
    }
    return inUse ?? lookUp(options)
  }

  return {
    lookUp,
    acquire: (held, options, self) => use(choose(held as Entry, options, self), options, self),
    changesOf(held, before, after) {
      const [from, to] = [targetOf(before, defaults.url), targetOf(after, defaults.url)]
      const comes = from.token === 'none' && to.token === 'string' && !held.started
      return differences(from, to).filter(name => name !== 'token' || !comes)
    },
  }
}

/** Whether two callers' options mean the same client. Pure; docs/decisions/0033-never-inherited.md has the rules. */
import type { Callbacks, ClientChoice } from './options.ts'

/** The options of one caller. */
export type Choice<Incoming, Outgoing> = ClientChoice<Incoming, Outgoing> & Callbacks<Incoming>

/** The options of any caller. */
// biome-ignore lint/suspicious/noExplicitAny: one registry holds clients of every kind of message
export type AnyChoice = Choice<any, any>

/** The options that decide which client is meant. */
export interface Target {
  /** `socket` was given and is still to come: there is no client yet. */
  readonly none: boolean
  /** False for a client of one caller alone. */
  readonly shared: boolean
  /** A string, or the function itself. */
  readonly url: unknown
  /** As text; `function` for any function. */
  readonly protocols: string
  /** Compared by its name. */
  readonly protocol: unknown
  /** Compared as it is. */
  readonly environment: unknown
  /** The user, where an option names one. */
  readonly identity: string | null | undefined
  /** Its kind; a string itself is compared where no identity is given. */
  readonly token: 'none' | 'string' | 'function'
}

/** A client that exists, as far as another caller's options can mean it, too. */
export interface Candidate {
  /** The target that it was made for. */
  readonly target: Target
  /** The user it belongs to by now, by the option or by `setIdentity()`. */
  readonly identity: string | null | undefined
  /** Its token string; `undefined` for one without, or with a function, whose answers are not known. */
  readonly token: string | undefined
}

/** True for an option that is asked when it is needed. */
export const isFunction = (value: unknown): boolean => typeof value === 'function'

/** `defaultUrl`: the url of a client whose options name none. */
export const targetOf = (options: AnyChoice, defaultUrl: unknown): Target => {
  const { share = true, protocols, protocol, environment, identity, token } = options
  const url: unknown = options.url === undefined ? defaultUrl : options.url
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

/** The options by which two renderings of one caller mean different clients. */
export const differences = (before: Target, after: Target): readonly (keyof Target)[] =>
  (Object.keys(after) as (keyof Target)[]).filter(name => {
    if (name === 'environment') return false
    if (name === 'protocol') return !sameProtocol(before.protocol, after.protocol)
    // Functions and environments written inline are new on every render and mean the same all the time.
    return before[name] !== after[name] && !(isFunction(before[name]) && isFunction(after[name]))
  })

/** True while this client is the one that the target means, as far as options can say. `token`: that of the caller. */
export const fits = (candidate: Candidate, target: Target, token: unknown): boolean => {
  const { target: made, identity, token: current } = candidate
  if (
    made.url !== target.url ||
    made.protocols !== target.protocols ||
    made.environment !== target.environment ||
    !sameProtocol(made.protocol, target.protocol) ||
    // Where no option names the user, `setIdentity()` is called by hand, for all callers alike.
    (made.identity === undefined ? undefined : identity) !== target.identity
  ) {
    return false
  }
  if (target.identity !== undefined) {
    return target.token !== 'function' || made.token === 'function'
  }
  return target.token === 'string' ? token === current : target.token === made.token
}

/** A function given as an option may answer for another user at any time. */
const hasProvider = ({ url, protocols, token }: Target): boolean =>
  isFunction(url) || protocols === 'function' || token === 'function'

/** True if no function and no call of `setIdentity()` can have made this client another user's. */
export const isCertain = ({ target: made, identity }: Candidate, target: Target): boolean =>
  target.identity !== undefined ||
  (!hasProvider(target) && !hasProvider(made) && identity === undefined)

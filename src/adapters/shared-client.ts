/** One client in the care of its callers: what it was made from, and who uses it. */
import type { ResilientWebSocket, ResilientWebSocketOptions } from 'resilient-websocket'
import type { AnyChoice, Candidate, Target } from './client-target.ts'
import { withLateFunctions } from './late-functions.ts'
import { clientOptions } from './options.ts'

/** How clients are made: the main entry's way, or that of `/basic`. */
export interface ClientFactory {
  /** `createResilientWebSocket`. */
  readonly create: <Incoming, Outgoing>(
    options: ResilientWebSocketOptions<Incoming, Outgoing>,
  ) => ResilientWebSocket<Incoming, Outgoing>
  /** `url` is that of a client whose options name none. */
  readonly defaults: { readonly url: unknown }
}

/** A client that callers use together, as they see it. */
export interface Held<Incoming = unknown, Outgoing = unknown> {
  /** The client itself. */
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
  /** The options that it was made from. */
  readonly options: ResilientWebSocketOptions<Incoming, Outgoing>
  /** A caller has let it connect. Until then it is CLOSED, but only because no caller has come yet. */
  readonly started: boolean
  /** The client that will most likely be used instead, once its callers are known to stay. */
  readonly likely: Held<Incoming, Outgoing> | undefined
}

/** A client of any callers. */
// biome-ignore lint/suspicious/noExplicitAny: one registry holds clients of every kind of message
export type AnyHeld = Held<any, any>

/** One caller of a client. */
export interface User {
  /** Its newest options. */
  options: AnyChoice
  /** Kept mounted, but not shown at the moment. */
  away: boolean
}

/** The same client, as the registry keeps it. */
export interface Entry extends AnyHeld, Candidate {
  target: Target
  started: boolean
  likely: Entry | undefined
  /** In the order of their coming: the functions of the first one are called. */
  readonly users: Set<User>
  /** The options of those who have left since the last one came. */
  readonly departed: Set<AnyChoice>
  /** All that have ever used it: one component may leave and come back. */
  readonly pastUsers: WeakSet<object>
  /** A caller has acquired it once. */
  used: boolean
  identity: string | null | undefined
  token: string | undefined
  /** The last decision about connecting, so that a `disconnect()` by hand is not undone. */
  connects: boolean
  /** Runs while the client is about to disconnect, or to close. */
  timer: ReturnType<typeof setTimeout> | undefined
  /** A caller with other options was warned. */
  warned: boolean
}

/** True once a client was closed for good. */
export const isEnded = ({ socket }: AnyHeld): boolean => socket.getSnapshot().phase === 'ended'

/** Keeps `identity` and `token` of an entry up to date, whoever calls the client's methods. */
const followIdentity = (entry: Entry): void => {
  const { socket } = entry
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
}

/** Makes a client that does not connect by itself. */
export const createEntry = (
  options: AnyChoice,
  target: Target,
  create: ClientFactory['create'],
): Entry => {
  const users: Entry['users'] = new Set()
  const { environment, token } = options
  const given = target.none ? { ...(environment && { environment }) } : clientOptions(options)
  const newest = (): object => {
    const [first] = users
    return first?.options ?? given
  }
  const entry: Entry = {
    socket: create({ ...withLateFunctions(given, newest), enabled: false }),
    options: given,
    target,
    users,
    departed: new Set(),
    pastUsers: new WeakSet(),
    likely: undefined,
    used: false,
    started: false,
    identity: target.identity,
    token: typeof token === 'string' && token ? token : undefined,
    connects: false,
    timer: undefined,
    warned: false,
  }
  // Without a target there is nowhere to connect to, not even by hand.
  if (target.none) entry.socket.connect = entry.socket.reconnect = () => {}
  else followIdentity(entry)
  return entry
}

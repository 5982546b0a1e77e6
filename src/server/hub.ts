/** Who is connected, who listens to what, and which connection of a session is its newest. No sockets here. */
import type { WireMessage } from '../protocol/wire-types.ts'
import { type Applying, createApplying } from './applying.ts'
import type { Broker, Deliver, Taken } from './broker.ts'
import { type Connection, createConnection } from './connection.ts'
import type { ServerEnvironment } from './environment.ts'
import { createHttpRates } from './http-rates.ts'
import { type Counters, createCounters } from './metrics.ts'
import type { Identity, ServerClient, ServerSettings } from './options.ts'
import type { ServerSocket } from './outgoing.ts'
import { createPosting, type Posting } from './posting.ts'
import { createTimeLimits, type TimeLimits } from './time-limit.ts'

export interface HubHooks {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  /** An application message; what it returns is sent back. */
  message(message: WireMessage, client: ServerClient): unknown
  /** Something failed that the server survives; the log has it already. */
  failed?(thrown: unknown): void
  closed(connection: Connection): void
}

/** Where a connection comes from. */
export interface Origin {
  readonly address: string
  readonly identity: Identity | null
  authenticate(token: string): Promise<Identity | null>
}

export interface Hub {
  readonly connections: ReadonlySet<Connection>
  readonly counters: Counters
  /** Sessions that have a connection here, and channels that somebody here listens to. */
  sizes(): { readonly sessions: number; readonly channels: number }
  connect(socket: ServerSocket, origin: Origin): Connection
  /** Hands a publication to all who listen to its channel. */
  readonly deliver: Deliver
  /** Closes the connection of a session that another server has taken over. */
  readonly taken: Taken
  readonly posting: Posting
  readonly timeLimits: TimeLimits
  /** See `HttpHost`. */
  mayPoll(user: string | null, address: string, cost: number, isIn?: boolean): boolean
}

const REPLACED = 'Replaced by a newer connection'

export const createHub = (hooks: HubHooks): Hub => {
  const { settings, broker, environment } = hooks
  const connections = new Set<Connection>()
  const listeners = new Map<string, Set<Connection>>()
  /** The connections of each incarnation of a session, and their `gen`. */
  const sessions = new Map<string, Map<Connection, number>>()
  const counters = createCounters()
  const timeLimits = createTimeLimits(environment)
  const applying: Applying = createApplying(
    settings,
    broker.sessions,
    hooks.message,
    counters,
    timeLimits,
  )

  const polls = createHttpRates(settings.rateLimit, environment.monotonicNow)

  /** A contact with this `gen` ends what is older of its incarnation. */
  const replace = (incarnation: string, gen: number): void => {
    for (const [connection, older] of sessions.get(incarnation) ?? []) {
      if (older < gen) connection.close(4409, REPLACED)
    }
  }

  const host = {
    settings,
    broker,
    environment,
    applying,
    counters,
    timeLimits,
    join(channel: string, member: Connection): void {
      const members = listeners.get(channel) ?? new Set()
      listeners.set(channel, members.add(member))
    },
    leave(channel: string, member: Connection): void {
      const members = listeners.get(channel)
      if (members?.delete(member) && !members.size) listeners.delete(channel)
    },
    replaces(incarnation: string, gen: number, connection: Connection): void {
      replace(incarnation, gen)
      const members = sessions.get(incarnation) ?? new Map()
      sessions.set(incarnation, members.set(connection, gen))
    },
    left(incarnation: string, gone: Connection): void {
      const members = sessions.get(incarnation)
      if (members?.delete(gone) && !members.size) sessions.delete(incarnation)
    },
    failed: (thrown: unknown): void => hooks.failed?.(thrown),
    closed(gone: Connection): void {
      connections.delete(gone)
      hooks.closed(gone)
    },
  }

  return {
    connections,
    counters,
    sizes: () => ({ sessions: sessions.size, channels: listeners.size }),
    connect(socket, { address, identity, authenticate }) {
      const connection = createConnection({ ...host, authenticate }, socket, { address, identity })
      connections.add(connection)
      counters.connections++
      return connection
    },
    deliver(published) {
      const members = listeners.get(published.channel)
      if (members) for (const member of members) member.published(published)
    },
    taken: replace,
    timeLimits,
    mayPoll: (user, address, cost, isIn) =>
      polls.of(user === null ? `address ${address}` : `user ${user}`)(cost, isIn) === 'pass',
    posting: createPosting({
      settings,
      sessions: broker.sessions,
      applying,
      environment,
      counters,
      failed: host.failed,
      replaces: replace,
    }),
  }
}

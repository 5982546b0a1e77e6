/** The connections of a server: which of them listen to what, and which is the newest of its session. No sockets here. */
import type { WireMessage } from '../protocol/wire-types.ts'
import { createApplying } from './apply.ts'
import type { Broker, Deliver, OnTakeover } from './broker/broker.ts'
import { CLOSE_REPLACED } from './close-codes.ts'
import type { ChannelStream } from './connection/channel-stream.ts'
import { Connection, type ConnectionOrigin } from './connection/connection.ts'
import type { ConnectionContext } from './connection/context.ts'
import { createJoinWindow } from './connection/join-window.ts'
import type { ServerSocket } from './connection/server-socket.ts'
import type { SessionMember } from './connection/session-handler.ts'
import type { ServerEnvironment } from './environment.ts'
import { createHttpRates } from './http/http-rates.ts'
import { createPostMessages, type PostMessages } from './http/post-messages.ts'
import { type Counters, createCounters } from './metrics.ts'
import type { ServerClient, ServerSettings } from './options.ts'
import { createTimeLimits, type TimeLimits } from './time-limits.ts'

export interface HubDeps {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  /** An application message came; the result is sent back. */
  onMessage(message: WireMessage, client: ServerClient): unknown
  /** Something failed that the server survives; the log has it already. */
  onError?(error: unknown): void
}

export interface Hub {
  readonly connections: ReadonlySet<Connection>
  readonly counters: Counters
  /** Sessions that have a connection here, and channels that somebody here listens to. */
  sizes(): { readonly sessions: number; readonly channels: number }
  connect(socket: ServerSocket, origin: ConnectionOrigin): Connection
  /** The socket of a connection is closed. */
  disconnect(connection: Connection): void
  /** Delivers a publication to all connections that listen to its channel. */
  readonly deliver: Deliver
  /** Closes the connections of a session that another server has taken over. */
  readonly onTakeover: OnTakeover
  readonly postMessages: PostMessages
  readonly timeLimits: TimeLimits
  /** May this user, or else this address, poll now? It counts for `cost` in their rate; see `RateLimit`. */
  mayPoll(user: string | null, address: string, cost: number, isIn?: boolean): boolean
  /** Clears the timers that belong to no connection. */
  end(): void
}

const REPLACED = 'Replaced by a newer connection'

/** The sets of a Map, made for their first member and dropped with their last. */
const createGroups = <Member>() => {
  const groups = new Map<string, Set<Member>>()
  return {
    groups,
    join(name: string, member: Member): void {
      const members = groups.get(name) ?? new Set()
      groups.set(name, members.add(member))
    },
    leave(name: string, member: Member): void {
      const members = groups.get(name)
      if (members?.delete(member) && !members.size) groups.delete(name)
    },
  }
}

/** The connections of each incarnation of a session, with their `gen`. */
const createSessionMembers = () => {
  const sessions = new Map<string, Map<SessionMember, number>>()
  /** A contact with this `gen` ends the older connections of its incarnation. */
  const replace = (incarnation: string, gen: number): void => {
    for (const [connection, older] of sessions.get(incarnation) ?? []) {
      if (older < gen) connection.close(CLOSE_REPLACED, REPLACED)
    }
  }
  return {
    sessions,
    replace,
    join(incarnation: string, gen: number, member: SessionMember): void {
      replace(incarnation, gen)
      const members = sessions.get(incarnation) ?? new Map()
      sessions.set(incarnation, members.set(member, gen))
    },
    leave(incarnation: string, member: SessionMember): void {
      const members = sessions.get(incarnation)
      if (members?.delete(member) && !members.size) sessions.delete(incarnation)
    },
  }
}

export const createHub = (deps: HubDeps): Hub => {
  const { settings, broker, environment } = deps
  const connections = new Set<Connection>()
  const streams = createGroups<ChannelStream>()
  const members = createSessionMembers()
  const counters = createCounters()
  const timeLimits = createTimeLimits(environment)
  const joinWindow = createJoinWindow(environment)
  const onError = (error: unknown): void => deps.onError?.(error)
  const applying = createApplying({
    settings,
    store: broker.sessions,
    counters,
    timeLimits,
    onMessage: deps.onMessage,
  })
  const polls = createHttpRates(settings.rateLimit, environment.monotonicNow)
  const context: ConnectionContext = {
    settings,
    broker,
    environment,
    applying,
    counters,
    timeLimits,
    joinWindow,
    channels: {
      join: stream => streams.join(stream.name, stream),
      leave: stream => streams.leave(stream.name, stream),
    },
    sessions: members,
    onError,
  }

  return {
    connections,
    counters,
    sizes: () => ({ sessions: members.sessions.size, channels: streams.groups.size }),
    connect(socket, origin) {
      const connection = new Connection(context, socket, origin)
      connections.add(connection)
      counters.connections++
      return connection
    },
    disconnect(connection) {
      connection.ended()
      connections.delete(connection)
    },
    deliver(published) {
      const listening = streams.groups.get(published.channel)
      if (!listening) return
      // Once for all who get it.
      const bytes = Buffer.from(published.text)
      for (const stream of listening) stream.publish(published, bytes)
    },
    onTakeover: members.replace,
    postMessages: createPostMessages({
      settings,
      store: broker.sessions,
      applying,
      environment,
      counters,
      onError,
      onContact: members.replace,
    }),
    timeLimits,
    mayPoll: (user, address, cost, isIn) =>
      polls.of(user === null ? `address ${address}` : `user ${user}`)(cost, isIn) === 'pass',
    end() {
      timeLimits.end()
      joinWindow.end()
    },
  }
}

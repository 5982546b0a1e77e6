/** Who is connected, who listens to what, and which connection of a session is its newest. No sockets here. */
import type { WireMessage } from '../protocol/wire.ts'
import { type Applying, createApplying } from './applying.ts'
import type { Broker, Deliver, Taken } from './broker.ts'
import { type Connection, createConnection } from './connection.ts'
import type { ServerEnvironment } from './environment.ts'
import type { Identity, ServerClient, ServerSettings } from './options.ts'
import type { ServerSocket } from './outgoing.ts'
import { createPosting, type Posting } from './posting.ts'

export interface HubHooks {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  /** An application message; what it returns is sent back. */
  message(message: WireMessage, client: ServerClient): unknown
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
  connect(socket: ServerSocket, origin: Origin): Connection
  /** Hands a publication to all who listen to its channel. */
  readonly deliver: Deliver
  /** Closes the connection of a session that another server has taken over. */
  readonly taken: Taken
  readonly posting: Posting
}

const REPLACED = 'Replaced by a newer connection'

export const createHub = (hooks: HubHooks): Hub => {
  const { settings, broker, environment } = hooks
  const connections = new Set<Connection>()
  const listeners = new Map<string, Set<Connection>>()
  const newest = new Map<string, Connection>()
  const applying: Applying = createApplying(settings, broker.sessions, hooks.message)

  const host = {
    settings,
    broker,
    environment,
    applying,
    join(channel: string, member: Connection): void {
      const members = listeners.get(channel) ?? new Set()
      listeners.set(channel, members.add(member))
    },
    leave(channel: string, member: Connection): void {
      const members = listeners.get(channel)
      if (members?.delete(member) && !members.size) listeners.delete(channel)
    },
    replaces(session: string, connection: Connection): void {
      newest.get(session)?.close(4409, REPLACED)
      newest.set(session, connection)
    },
    closed(gone: Connection): void {
      connections.delete(gone)
      for (const [session, connection] of newest) if (connection === gone) newest.delete(session)
      hooks.closed(gone)
    },
  }

  return {
    connections,
    connect(socket, { address, identity, authenticate }) {
      const connection = createConnection({ ...host, authenticate }, socket, { address, identity })
      connections.add(connection)
      return connection
    },
    deliver(published) {
      const members = listeners.get(published.channel)
      if (members) for (const member of members) member.published(published)
    },
    taken: session => newest.get(session)?.close(4409, REPLACED),
    posting: createPosting({
      settings,
      sessions: broker.sessions,
      applying,
      environment,
      replaces: session => newest.get(session)?.close(4409, REPLACED),
    }),
  }
}

/**
 * Three connections to Redis that live and die together, so that they never speak to two different servers: one for commands,
 * one that listens, and one for pings, whose answers wait behind no others. Each set is a new one: no command is sent twice
 * by accident.
 */

/** The part of a client of the package `redis` that is used. */
export interface RedisClient {
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown
  sendCommand(args: readonly string[]): Promise<unknown>
  subscribe(topics: string[], listener: (text: string, topic: string) => void): Promise<unknown>
}

export interface Connection {
  readonly client: RedisClient
  /** When its last answer or message came, by the monotonic clock. */
  lastActivityAt: number
  send(args: readonly string[]): Promise<unknown>
}

export interface ConnectionSet {
  readonly commands: Connection
  readonly listener: Connection
  readonly pings: Connection
  /** Names the run of the Redis that answers: another one after each of its starts. */
  runId: string
  /** When it was connected, by the monotonic clock. */
  since: number
  destroy(): void
}

export const allOf = ({ commands, listener, pings }: ConnectionSet): readonly Connection[] => [
  commands,
  listener,
  pings,
]

/** Does not connect yet. `onLost` is called when a connection breaks. */
export const createConnectionSet = (
  createClient: () => RedisClient,
  onLost: (set: ConnectionSet, reason: unknown) => void,
): ConnectionSet => {
  let destroyed = false

  const create = (): Connection => {
    const client = createClient()
    client.on('error', reason => onLost(set, reason))
    client.on('end', () => onLost(set, new Error('The connection was closed')))
    const { connect } = client
    client.connect = async () => {
      await connect.call(client)
      // Destroyed while its socket was being opened, it would stay open.
      if (destroyed) client.destroy()
    }
    const connection: Connection = {
      client,
      lastActivityAt: 0,
      async send(args) {
        try {
          return await client.sendCommand(args)
        } finally {
          connection.lastActivityAt = performance.now()
        }
      },
    }
    return connection
  }

  const set: ConnectionSet = {
    commands: create(),
    listener: create(),
    pings: create(),
    runId: '',
    since: performance.now(),
    destroy() {
      destroyed = true
      for (const { client } of allOf(set)) client.destroy()
    },
  }
  return set
}

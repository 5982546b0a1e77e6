/** Tells other servers that this one lives, and notices a Redis that answers no more. */
import { allOf, type Connection, type ConnectionSet } from './connection-set.ts'

export interface RedisHeartbeatDeps {
  /** The key that says that this server lives. */
  readonly aliveKey: string
  /** How long that key lives after each ping, in ms. */
  readonly leaseMs: number
  /** A connection is silent, or failed. */
  onLost(set: ConnectionSet, error: unknown): void
}

export interface RedisHeartbeat {
  /** Pings once on all connections; resolves when all have answered. */
  ping(set: ConnectionSet): Promise<void>
  /** Pings four times in a lease, until `stop`. */
  start(set: ConnectionSet): void
  /** Calls `run` after so long, unless `stop` comes before. An answer that came in time but was not read yet counts. */
  limit(afterMs: number, run: () => void): void
  /** Clears all timers. */
  stop(): void
}

export const createRedisHeartbeat = (deps: RedisHeartbeatDeps): RedisHeartbeat => {
  const { aliveKey, leaseMs, onLost } = deps
  const intervalMs = leaseMs / 4
  let current: ConnectionSet | undefined
  let timer: NodeJS.Timeout | undefined
  let deadline: NodeJS.Timeout | undefined

  /** `silent`: the connections without an answer so far. */
  const ping = async (set: ConnectionSet, silent = new Set<Connection>()): Promise<void> => {
    const ask = async (connection: Connection, args: readonly string[]): Promise<void> => {
      silent.add(connection)
      await connection.send(args)
      silent.delete(connection)
    }
    await Promise.all([
      ask(set.pings, ['SET', aliveKey, '1', 'PX', String(Math.ceil(leaseMs))]),
      ask(set.commands, ['PING']),
      ask(set.listener, ['PING']),
    ])
  }

  /**
   * Ends the set when one of its connections brings nothing at all for so long. Only that is silence: an answer that waits
   * behind large ones, or behind many messages, is merely late.
   */
  const watch = (
    set: ConnectionSet,
    silent: ReadonlySet<Connection>,
    since: number,
    minMs = 1,
  ): void => {
    const lastActivityOf = (connection: Connection): number =>
      // Only a Redis that is busy with other connections keeps a ping waiting, and these get its answers. They excuse it
      // for one more interval and no longer: without a ping the lease ends, and another server may take over the work of
      // this one.
      connection === set.pings
        ? Math.min(Math.max(...allOf(set).map(each => each.lastActivityAt)), since + intervalMs)
        : connection.lastActivityAt
    const leftMs = (): number =>
      Math.min(...[...silent].map(each => Math.max(since, lastActivityOf(each)))) +
      intervalMs -
      performance.now()
    const waitMs = Math.max(leftMs(), minMs)
    const due = performance.now() + waitMs
    deadline = setTimeout(() => {
      const isLate = performance.now() - due > intervalMs / 4
      // Answers that came while the process was busy are read first.
      setImmediate(() => {
        if (!silent.size || set !== current) return
        if (isLate) watch(set, silent, since, intervalMs / 4)
        else if (leftMs() > 0) watch(set, silent, since)
        else onLost(set, new Error(`No answer for ${intervalMs} ms`))
      })
    }, waitMs)
  }

  const beat = (set: ConnectionSet): void => {
    const silent = new Set<Connection>()
    ping(set, silent).then(
      () => {
        if (set !== current) return
        clearTimeout(deadline)
        timer = setTimeout(() => beat(set), intervalMs)
      },
      error => onLost(set, error),
    )
    watch(set, silent, performance.now())
  }

  const limit = (afterMs: number, run: () => void): void => {
    const due = performance.now() + afterMs
    deadline = setTimeout(() => {
      const lateMs = performance.now() - due
      // The process was busy: answers may have come that nobody has read.
      if (lateMs > afterMs / 4) limit(afterMs / 4, run)
      else run()
    }, afterMs)
  }

  return {
    ping: set => ping(set),
    start(set) {
      current = set
      timer = setTimeout(() => beat(set), intervalMs)
    },
    limit,
    stop() {
      current = undefined
      clearTimeout(timer)
      clearTimeout(deadline)
    },
  }
}

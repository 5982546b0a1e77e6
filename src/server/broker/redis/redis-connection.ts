/**
 * The way to Redis: a connection for commands, one that listens, and one for the beat, whose answer waits behind nobody
 * else's. They live and die together, so that they never speak to two different servers, and each set is a new one:
 * nothing is sent twice by accident.
 */

import type { ServerLogger } from '../../logging.ts'
import { forLog } from '../../logging.ts'
import { BrokerError } from '../broker.ts'
import type { RedisScript } from './lua-scripts.ts'

export interface RedisLinkHooks {
  /** Checked: `redis:` or `rediss:`. */
  readonly url: URL
  /** What is listened to. */
  readonly topics: readonly string[]
  /** Key that says that this server lives; it ends `leaseMs` after the last beat. */
  readonly alive: string
  readonly leaseMs: number
  readonly logger: Partial<ServerLogger>
  heard(topic: string, text: string): void
  /** Connected, for the first time or again. */
  arrived(): void
}

export interface RedisLink {
  /** Connects at the first call; resolves after the first attempt, whatever came of it. Rejects for a Redis Cluster. */
  open(): Promise<void>
  ready(): boolean
  /** How long the connection has been up without a break, in ms. */
  steadyMs(): number
  /** Runs a script; throws a `BrokerError` while Redis is away. */
  run(script: RedisScript, keys: readonly string[], args?: Arguments): Promise<unknown>
  /** The same over as many connections as it takes: for scripts that may run twice. Rejects once closed. */
  runSurely(script: RedisScript, keys: readonly string[], args?: Arguments): Promise<unknown>
  close(): Promise<void>
}

export type Arguments = readonly (string | number)[]

/** What is used of a client of the package `redis`. */
interface Client {
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error' | 'end', listener: (error?: unknown) => void): unknown
  sendCommand(words: readonly string[]): Promise<unknown>
  subscribe(topics: string[], listener: (text: string, topic: string) => void): Promise<unknown>
}

interface Connection {
  readonly client: Client
  /** When something came over it last, by the monotonic clock. */
  heardAt: number
  send(words: readonly string[]): Promise<unknown>
}

interface Connections {
  readonly commands: Connection
  readonly listener: Connection
  readonly beat: Connection
  /** The run of the server that answers: another one after each of its starts. */
  life: string
  readonly since: number
  destroy(): void
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1000
const CONNECT_TIMEOUT_MS = 2000
/** What a member of a cluster says to scripts, whose keys are in several slots. */
const CLUSTER = /^(CROSSSLOT|MOVED|CLUSTERDOWN)\b/
/** Redis answers, but takes nothing: a replica, still loading, out of memory, or not enough replicas. */
const TAKES_NOTHING =
  /^(READONLY|LOADING|MASTERDOWN|OOM|MISCONF|NOREPLICAS|CROSSSLOT|MOVED|CLUSTERDOWN)\b/

/** One Redis is expected, and a cluster answers. */
class ClusterError extends Error {
  override readonly name = 'ClusterError'
  constructor(host: string) {
    super(
      `RedisBroker: expected a single Redis, got a Redis Cluster at ${host}: what belongs together would be on several ` +
        'of its servers. Use a Redis without `cluster-enabled`, with replicas if you like',
    )
  }
}

const allOf = ({ commands, listener, beat }: Connections): readonly Connection[] => [
  commands,
  listener,
  beat,
]

/** Said to whoever asks a broker that was left. */
export const CLOSED = 'The broker is closed'
const MISSING = 'RedisBroker needs the package `redis`: run `npm install redis`'

const load = async () => {
  try {
    return await import('redis')
  } catch (cause) {
    throw new Error(MISSING, { cause })
  }
}

const wordsOf = (thrown: unknown): string => {
  const { message, code } = thrown as Partial<NodeJS.ErrnoException>
  return message || code || String(thrown)
}

export const createRedisLink = (hooks: RedisLinkHooks): RedisLink => {
  const { url, leaseMs, logger } = hooks
  const beatMs = leaseMs / 4
  let redis: Awaited<ReturnType<typeof load>> | undefined
  let opened: Promise<void> | undefined
  /** Counts openings and closings: of each opening it is seen whether it was the last of these. */
  let turns = 0
  let closing: Promise<void> | undefined
  let closed = true
  let dialing: Connections | undefined
  let current: Connections | undefined
  /** Why this Redis can never be used. */
  let unusable: Error | undefined
  let retryMs = FIRST_RETRY_MS
  let toldAway = false
  let timer: NodeJS.Timeout | undefined
  let deadline: NodeJS.Timeout | undefined
  const waiting = new Set<() => void>()

  /** An old Redis repeats what it did not understand, the password included. */
  const redacted = (thrown: unknown): string => {
    const secrets = [url.password, decodeURIComponent(url.password)].filter(Boolean)
    return forLog(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), wordsOf(thrown)))
  }

  const make = (dead: (reason: unknown) => void): Client => {
    const client = (redis as NonNullable<typeof redis>).createClient({
      url: url.href,
      RESP: 3,
      maintNotifications: 'disabled',
      disableOfflineQueue: true,
      // Whether Redis is silent for too long is measured here, by the beat.
      commandOptions: { timeout: 0 },
      socket: { reconnectStrategy: false, connectTimeout: CONNECT_TIMEOUT_MS },
    }) as unknown as Client
    client.on('error', dead)
    client.on('end', () => dead(new Error('The connection was closed')))
    return client
  }

  const createConnections = (): Connections => {
    let gone = false
    const create = (): Connection => {
      const client = make(reason => lose(connections, reason))
      const { connect } = client
      client.connect = async () => {
        await connect.call(client)
        // Destroyed while its socket was being opened, it would stay open.
        if (gone) client.destroy()
      }
      const connection: Connection = {
        client,
        heardAt: 0,
        async send(words) {
          try {
            return await client.sendCommand(words)
          } finally {
            connection.heardAt = performance.now()
          }
        },
      }
      return connection
    }
    const connections: Connections = {
      commands: create(),
      listener: create(),
      beat: create(),
      life: '',
      since: performance.now(),
      destroy() {
        gone = true
        for (const { client } of allOf(connections)) client.destroy()
      },
    }
    return connections
  }

  const wake = (): void => {
    for (const go of [...waiting]) go()
  }

  /** Lets an answer pass that came in time but could not be read, since the process was busy. */
  const unlessOverdue = (afterMs: number, run: () => void): void => {
    const due = performance.now() + afterMs
    deadline = setTimeout(() => {
      const lateMs = performance.now() - due
      if (lateMs > afterMs / 4) unlessOverdue(afterMs / 4, run)
      else run()
    }, afterMs)
  }

  /** Asks on all connections. `silent`: those without an answer so far. */
  const greet = async (connections: Connections, silent = new Set<Connection>()): Promise<void> => {
    const { commands, listener, beat } = connections
    const ask = async (connection: Connection, words: readonly string[]): Promise<void> => {
      silent.add(connection)
      await connection.send(words)
      silent.delete(connection)
    }
    await Promise.all([
      ask(beat, ['SET', hooks.alive, '1', 'PX', String(Math.ceil(leaseMs))]),
      ask(commands, ['PING']),
      ask(listener, ['PING']),
    ])
  }

  /**
   * Ends the connections when one of them brings nothing at all for so long. Only that is silence: an answer that waits
   * behind large ones, or behind many messages, is late and no more.
   */
  const watch = (
    connections: Connections,
    silent: ReadonlySet<Connection>,
    since: number,
    leastMs = 1,
  ): void => {
    const heardAt = (connection: Connection): number =>
      // Nothing waits for the beat but a Redis that is busy with others, and these hear of it. They excuse it for one
      // more beat and no longer: without it the lease ends, and another server may take over what this one still does.
      connection === connections.beat
        ? Math.min(Math.max(...allOf(connections).map(each => each.heardAt)), since + beatMs)
        : connection.heardAt
    const leftMs = (): number =>
      Math.min(...[...silent].map(each => Math.max(since, heardAt(each)))) +
      beatMs -
      performance.now()
    const waitMs = Math.max(leftMs(), leastMs)
    const due = performance.now() + waitMs
    deadline = setTimeout(() => {
      const isLate = performance.now() - due > beatMs / 4
      // What has come while the process was busy is read first.
      setImmediate(() => {
        if (!silent.size || connections !== current) return
        if (isLate) watch(connections, silent, since, beatMs / 4)
        else if (leftMs() > 0) watch(connections, silent, since)
        else lose(connections, new Error(`No answer for ${beatMs} ms`))
      })
    }, waitMs)
  }

  const beat = (connections: Connections): void => {
    const silent = new Set<Connection>()
    greet(connections, silent).then(
      () => {
        if (connections !== current) return
        clearTimeout(deadline)
        timer = setTimeout(() => beat(connections), beatMs)
      },
      thrown => lose(connections, thrown),
    )
    watch(connections, silent, performance.now())
  }

  /** Topics are open to all: what is not ours must not end the connection. */
  const hear = (topic: string, text: string): void => {
    try {
      hooks.heard(topic, text)
    } catch (thrown) {
      logger.error?.(`On ${forLog(topic)} of Redis at ${url.host}: ${redacted(thrown)}`)
    }
  }

  const lifeOf = async ({ send }: Connection): Promise<string> => {
    const info = String(await send(['INFO', 'server']))
    if (/^redis_mode:cluster/m.test(info)) throw new ClusterError(url.host)
    const [, life] = /^run_id:(\w+)/m.exec(info) ?? []
    if (life === undefined) throw new Error('INFO names no run_id')
    return life
  }

  const lose = (connections: Connections, thrown: unknown): void => {
    if (connections !== current && connections !== dialing) return
    const reason = CLUSTER.test(wordsOf(thrown)) ? new ClusterError(url.host) : thrown
    current = undefined
    dialing = undefined
    clearTimeout(timer)
    clearTimeout(deadline)
    connections.destroy()
    if (closed) return
    const known = unusable
    unusable = reason instanceof ClusterError ? reason : undefined
    if (unusable && !known) logger.error?.(unusable.message)
    if (!unusable && !toldAway) logger.warn?.(`Redis at ${url.host} is away: ${redacted(reason)}`)
    toldAway = true
    timer = setTimeout(dial, retryMs)
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
  }

  const dial = async (): Promise<void> => {
    const connections = createConnections()
    const { commands, listener } = connections
    dialing = connections
    try {
      unlessOverdue(CONNECT_TIMEOUT_MS + beatMs, () => lose(connections, new Error('No answer')))
      await Promise.all(allOf(connections).map(({ client }) => client.connect()))
      const lives = await Promise.all(allOf(connections).map(lifeOf))
      const [life] = lives as [string]
      if (lives.some(each => each !== life)) throw new Error('Different servers answered')
      // Ready is only one that takes scripts of several keys.
      await commands.send(['EVAL', 'return 1', '2', hooks.alive, `${hooks.alive}:`])
      await listener.client.subscribe([...hooks.topics], (text, topic) => {
        listener.heardAt = performance.now()
        if (connections === current) hear(topic, text)
      })
      await greet(connections)
      if (connections !== dialing) return
      clearTimeout(deadline)
      dialing = undefined
      current = Object.assign(connections, { life, since: performance.now() })
      retryMs = FIRST_RETRY_MS
      unusable = undefined
      if (toldAway) logger.info?.(`Redis at ${url.host} is back`)
      toldAway = false
      timer = setTimeout(() => beat(connections), beatMs)
      hooks.arrived()
      wake()
    } catch (thrown) {
      lose(connections, thrown)
    }
  }

  const run: RedisLink['run'] = async (script, keys, args = []) => {
    const connections = current
    if (!connections) throw unusable ?? new BrokerError('away', `Redis at ${url.host} is away`)
    const { commands, life } = connections
    const words = [String(keys.length), ...keys, life, ...args.map(String)]
    try {
      return await commands.send(['EVALSHA', script.sha, ...words]).catch(thrown => {
        if (!wordsOf(thrown).startsWith('NOSCRIPT')) throw thrown
        return commands.send(['EVAL', script.text, ...words])
      })
    } catch (thrown) {
      const answered = redis && thrown instanceof redis.ErrorReply
      if (answered && !TAKES_NOTHING.test(wordsOf(thrown))) throw thrown
      lose(connections, thrown)
      throw answered
        ? new BrokerError('away', `Redis at ${url.host} takes nothing: ${redacted(thrown)}`)
        : new BrokerError('unknown', `Redis at ${url.host} was lost before it answered`)
    }
  }

  const end = async (): Promise<void> => {
    const connections = current
    closed = true
    opened = undefined
    // Others need not wait for the end of the lease. A Redis that does not answer is given up by the beat.
    if (connections) await connections.commands.send(['DEL', hooks.alive]).catch(() => {})
    current = undefined
    dialing?.destroy()
    connections?.destroy()
    dialing = undefined
    unusable = undefined
    clearTimeout(timer)
    clearTimeout(deadline)
    wake()
  }

  const arrival = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!closed && !current) return
        waiting.delete(look)
        if (closed) reject(new BrokerError('away', CLOSED))
        else resolve()
      }
      waiting.add(look)
      look()
    })

  return {
    open() {
      opened ??= (async () => {
        const mine = ++turns
        await closing
        redis ??= await load()
        if (mine !== turns) throw new BrokerError('away', CLOSED)
        closed = false
        await dial()
        if (!unusable) return
        const reason = unusable
        await end()
        throw reason
      })()
      return opened
    },
    ready: () => current !== undefined,
    steadyMs: () => (current ? performance.now() - current.since : 0),
    run,
    async runSurely(script, keys, args) {
      for (;;) {
        await arrival()
        try {
          return await run(script, keys, args)
        } catch (thrown) {
          if (!(thrown instanceof BrokerError)) throw thrown
        }
      }
    },
    close() {
      turns++
      opened = undefined
      if (!closed) closing = end()
      return closing ?? Promise.resolve()
    },
  }
}

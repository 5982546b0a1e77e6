/**
 * The way to Redis: a connection for commands and one that listens. They live and die together, so that they
 * never speak to two different servers, and each pair is a new one: nothing is sent twice by accident.
 */
import { BrokerError } from './broker.ts'
import { forLog } from './gate.ts'
import type { ServerLogger } from './options.ts'
import type { RedisScript } from './redis-scripts.ts'

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
  /** Connects at the first call; resolves after the first attempt, whatever came of it. */
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

interface Pair {
  readonly commands: Client
  readonly listener: Client
  /** The run of the server that answers: another one after each of its starts. */
  life: string
  readonly since: number
  destroy(): void
}

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1000
const CONNECT_TIMEOUT_MS = 2000
/** Redis answers, but takes nothing: a replica, still loading, out of memory, or not enough replicas. */
const TAKES_NOTHING = /^(READONLY|LOADING|MASTERDOWN|OOM|MISCONF|NOREPLICAS)\b/

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
  let closing: Promise<void> | undefined
  let closed = true
  let dialing: Pair | undefined
  let current: Pair | undefined
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

  const createPair = (): Pair => {
    const dead = (reason: unknown): void => lose(pair, reason)
    const clients = [make(dead), make(dead)] as const
    let gone = false
    const [commands, listener] = clients
    const pair: Pair = {
      commands,
      listener,
      life: '',
      since: performance.now(),
      destroy() {
        gone = true
        for (const client of clients) client.destroy()
      },
    }
    for (const client of clients) {
      const { connect } = client
      client.connect = async () => {
        await connect.call(client)
        // Destroyed while its socket was being opened, it would stay open.
        if (gone) client.destroy()
      }
    }
    return pair
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

  const greet = async ({ commands, listener }: Pair): Promise<void> => {
    await Promise.all([
      commands.sendCommand(['SET', hooks.alive, '1', 'PX', String(Math.ceil(leaseMs))]),
      listener.sendCommand(['PING']),
    ])
  }

  const beat = (pair: Pair): void => {
    unlessOverdue(beatMs, () => lose(pair, new Error(`No answer for ${beatMs} ms`)))
    greet(pair).then(
      () => {
        if (pair !== current) return
        clearTimeout(deadline)
        timer = setTimeout(() => beat(pair), beatMs)
      },
      thrown => lose(pair, thrown),
    )
  }

  /** Topics are open to all: what is not ours must not end the connection. */
  const hear = (topic: string, text: string): void => {
    try {
      hooks.heard(topic, text)
    } catch (thrown) {
      logger.error?.(`On ${forLog(topic)} of Redis at ${url.host}: ${redacted(thrown)}`)
    }
  }

  const lifeOf = async (client: Client): Promise<string> => {
    const [, life] =
      /^run_id:(\w+)/m.exec(String(await client.sendCommand(['INFO', 'server']))) ?? []
    if (life === undefined) throw new Error('INFO names no run_id')
    return life
  }

  const lose = (pair: Pair, reason: unknown): void => {
    if (pair !== current && pair !== dialing) return
    current = undefined
    dialing = undefined
    clearTimeout(timer)
    clearTimeout(deadline)
    pair.destroy()
    if (closed) return
    if (!toldAway) logger.warn?.(`Redis at ${url.host} is away: ${redacted(reason)}`)
    toldAway = true
    timer = setTimeout(dial, retryMs)
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
  }

  const dial = async (): Promise<void> => {
    const pair = createPair()
    dialing = pair
    try {
      unlessOverdue(CONNECT_TIMEOUT_MS + beatMs, () => lose(pair, new Error('No answer')))
      await Promise.all([pair.commands.connect(), pair.listener.connect()])
      const lives = await Promise.all([lifeOf(pair.commands), lifeOf(pair.listener)])
      if (lives[0] !== lives[1]) throw new Error('Two different servers answered')
      await pair.listener.subscribe([...hooks.topics], (text, topic) => {
        if (pair === current) hear(topic, text)
      })
      await greet(pair)
      if (pair !== dialing) return
      clearTimeout(deadline)
      dialing = undefined
      current = Object.assign(pair, { life: lives[0], since: performance.now() })
      retryMs = FIRST_RETRY_MS
      if (toldAway) logger.info?.(`Redis at ${url.host} is back`)
      toldAway = false
      timer = setTimeout(() => beat(pair), beatMs)
      hooks.arrived()
      wake()
    } catch (thrown) {
      lose(pair, thrown)
    }
  }

  const run: RedisLink['run'] = async (script, keys, args = []) => {
    const pair = current
    if (!pair) throw new BrokerError('away', `Redis at ${url.host} is away`)
    const words = [String(keys.length), ...keys, pair.life, ...args.map(String)]
    try {
      return await pair.commands.sendCommand(['EVALSHA', script.sha, ...words]).catch(thrown => {
        if (!wordsOf(thrown).startsWith('NOSCRIPT')) throw thrown
        return pair.commands.sendCommand(['EVAL', script.text, ...words])
      })
    } catch (thrown) {
      const answered = redis && thrown instanceof redis.ErrorReply
      if (answered && !TAKES_NOTHING.test(wordsOf(thrown))) throw thrown
      lose(pair, thrown)
      throw answered
        ? new BrokerError('away', `Redis at ${url.host} takes nothing: ${redacted(thrown)}`)
        : new BrokerError('unknown', `Redis at ${url.host} was lost before it answered`)
    }
  }

  const end = async (): Promise<void> => {
    const pair = current
    closed = true
    opened = undefined
    // Others need not wait for the end of the lease. A Redis that does not answer is given up by the beat.
    if (pair) await pair.commands.sendCommand(['DEL', hooks.alive]).catch(() => {})
    current = undefined
    dialing?.destroy()
    pair?.destroy()
    dialing = undefined
    clearTimeout(timer)
    clearTimeout(deadline)
    wake()
  }

  const arrival = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!closed && !current) return
        waiting.delete(look)
        if (closed) reject(new BrokerError('away', 'The broker is closed'))
        else resolve()
      }
      waiting.add(look)
      look()
    })

  return {
    open() {
      opened ??= (async () => {
        await closing
        redis ??= await load()
        closed = false
        await dial()
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
      if (!closed) closing = end()
      return closing ?? Promise.resolve()
    },
  }
}

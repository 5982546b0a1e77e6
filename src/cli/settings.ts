/** The settings of the command line and the environment, as options. Pure. */
import { parseArgs } from 'node:util'
import type { ServerOptions } from '../server/index.ts'
import { normalOrigin } from '../server/origin.ts'

export interface ServeSettings {
  readonly server: ServerOptions
  readonly historySize: number
  /** The Redis of a broker that several servers share; `undefined`: in memory. */
  readonly redisUrl: string | undefined
  readonly drainMs: number
  readonly replay: string | undefined
  readonly speed: number
  readonly feed: boolean
  readonly seed: number
}

/** A mistake of the user: its message is all that is printed. */
export class UsageError extends Error {}

export const USAGE = `resilient-websocket serve [PORT] [options]

  PORT              where to listen (3001); wins over WS_PORT, which wins over PORT
  --host H          the address to listen on (0.0.0.0)
  --origin O        an origin that may connect; may be given several times (http://localhost:3000)
  --allow-missing-origin
                    also lets in clients that send no Origin: programs, not pages
  --replay FILE     plays a recording instead of the simulated market (NDJSON, may be gzipped)
  --speed N         how fast to play it (1)
  --seed N          which simulated market (1)
  --no-feed         publishes nothing, for a second server on one broker
  --version         the version of this package
  --help            this text

environment:
  WS_PORT, PORT, WS_HOST, ALLOWED_ORIGINS (comma separated), ALLOW_MISSING_ORIGIN=1,
  WS_TRUST_PROXY (how many proxies in front name the client in X-Forwarded-For),
  WS_HEARTBEAT_MS, WS_HEARTBEAT_TIMEOUT_MS, WS_RATE_LIMIT, WS_MAX_PAYLOAD, WS_HISTORY,
  WS_MAX_CONNECTIONS, WS_MAX_CONNECTIONS_PER_ADDRESS, WS_MAX_BUFFERED, WS_DRAIN_MS,
  WS_HANDLER_TIMEOUT_MS,
  REDIS_URL (redis://host:port: a broker that several servers share; needs the package redis)
`

const numberFrom = (
  name: string,
  text: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number => {
  const value = Number(text)
  if (!text.trim() || !(value >= min && value <= max)) {
    throw new UsageError(`${name}: expected a number from ${min} to ${max}, got '${text}'`)
  }
  return value
}

const portFrom = (name: string, text: string): number => {
  if (!/^\d+$/.test(text.trim()) || Number(text) > 65_535) {
    throw new UsageError(`${name}: expected a port from 0 to 65535, got '${text}'`)
  }
  return Number(text)
}

const wholeFrom = (name: string, text: string): number => {
  if (!/^\d{1,9}$/.test(text)) {
    throw new UsageError(`${name}: expected a whole number from 0, got '${text}'`)
  }
  return Number(text)
}

const originFrom =
  (name: string) =>
  (text: string): string => {
    try {
      return normalOrigin(text, name)
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  }

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        host: { type: 'string' },
        origin: { type: 'string', multiple: true },
        replay: { type: 'string' },
        speed: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        'no-feed': { type: 'boolean', default: false },
        'allow-missing-origin': { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

/**
 * Reads the arguments after the program's name, and the environment. `usage` and `version`: that text is to be shown, and
 * nothing else done. Throws a `UsageError`.
 */
export const readSettings = (
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): ServeSettings | 'usage' | 'version' => {
  const { values, positionals } = parse(args)
  const [command, port, ...rest] = positionals
  if (values.help) return 'usage'
  if (values.version) return 'version'
  if (command !== 'serve' || rest.length) {
    throw new UsageError(`Expected: serve [PORT], got: ${args.join(' ') || 'nothing'}\n\n${USAGE}`)
  }

  // An empty variable counts as missing.
  const set = (name: string): string | undefined => environment[name]?.trim() || undefined
  const number = (name: string, otherwise: number, min: number): number => {
    const text = set(name)
    return text === undefined ? otherwise : numberFrom(name, text, min)
  }
  const flag = (name: string): boolean => {
    const text = set(name) ?? '0'
    if (!['0', '1'].includes(text)) {
      throw new UsageError(`${name}: expected 1 or 0, got '${text}'`)
    }
    return text === '1'
  }
  const [portName, portText] =
    port !== undefined
      ? ['PORT (argument)', port]
      : set('WS_PORT') !== undefined
        ? ['WS_PORT', set('WS_PORT')]
        : ['PORT', set('PORT')]
  if (values['no-feed'] && values.replay !== undefined) {
    throw new UsageError('--no-feed and --replay: expected one of them')
  }
  const originsName = values.origin ? '--origin' : 'ALLOWED_ORIGINS'
  const origins = values.origin ?? (set('ALLOWED_ORIGINS') ?? 'http://localhost:3000').split(',')
  return {
    server: {
      port: portText === undefined ? 3001 : portFrom(portName as string, portText),
      host: values.host ?? set('WS_HOST') ?? '0.0.0.0',
      allowedOrigins: origins.filter(origin => origin.trim()).map(originFrom(originsName)),
      allowMissingOrigin: values['allow-missing-origin'] || flag('ALLOW_MISSING_ORIGIN'),
      trustProxy: wholeFrom('WS_TRUST_PROXY', set('WS_TRUST_PROXY') ?? '0'),
      heartbeat: {
        intervalMs: number('WS_HEARTBEAT_MS', 30_000, 1),
        timeoutMs: number('WS_HEARTBEAT_TIMEOUT_MS', 10_000, 1),
      },
      rateLimit: { limit: number('WS_RATE_LIMIT', 50, 1), perMs: 1000 },
      maxPayload: number('WS_MAX_PAYLOAD', 65_536, 1),
      maxBufferedBytes: number('WS_MAX_BUFFERED', 1_048_576, 1),
      handlerTimeoutMs: number('WS_HANDLER_TIMEOUT_MS', 30_000, 1),
      maxConnections: number('WS_MAX_CONNECTIONS', Number.POSITIVE_INFINITY, 1),
      maxConnectionsPerAddress: number(
        'WS_MAX_CONNECTIONS_PER_ADDRESS',
        Number.POSITIVE_INFINITY,
        1,
      ),
    },
    historySize: number('WS_HISTORY', 1000, 0),
    redisUrl: set('REDIS_URL'),
    drainMs: number('WS_DRAIN_MS', 5000, 0),
    replay: values.replay,
    speed: numberFrom('--speed', values.speed, Number.MIN_VALUE),
    feed: !values['no-feed'],
    seed: numberFrom('--seed', values.seed, 0),
  }
}

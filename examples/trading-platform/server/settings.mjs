// @ts-check
/** What the environment and the arguments say, checked. */
import { parseArgs } from 'node:util'

/** @import { ServerOptions } from 'resilient-websocket/server' */

/**
 * @typedef {object} Settings
 * @property {ServerOptions} server
 * @property {number} drainMs
 * @property {number} seed
 * @property {number} speed
 * @property {string | undefined} replay
 * @property {boolean} verbose
 */

export const USAGE = `npm run ws:server -- [PORT] [options]

  PORT           where to listen (3001); wins over WS_PORT, which wins over PORT
  --replay FILE  plays a recording instead of the simulated market (NDJSON, may be gzipped)
  --speed N      how fast to play it (1)
  --seed N       which simulated market (1)
  --verbose      logs who comes and goes
  --help         this text

environment: WS_PORT, PORT, WS_HOST, ALLOWED_ORIGINS (comma separated), ALLOW_MISSING_ORIGIN=1,
  WS_HEARTBEAT_MS, WS_HEARTBEAT_TIMEOUT_MS, WS_RATE_LIMIT, WS_MAX_PAYLOAD, WS_DRAIN_MS
`

/** A mistake of the user: its message is all that is printed. */
export class UsageError extends Error {}

/** @param {string} name @param {string} text @param {number} least @param {number} [most] */
const numberFrom = (name, text, least, most = Number.MAX_SAFE_INTEGER) => {
  const value = Number(text)
  if (text.trim() && value >= least && value <= most) return value
  throw new UsageError(`${name}: expected a number from ${least} to ${most}, got '${text}'`)
}

/** @param {string[]} args */
const parse = args => {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        replay: { type: 'string' },
        speed: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (thrown) {
    throw new UsageError(`${/** @type {Error} */ (thrown).message}\n\n${USAGE}`)
  }
}

/**
 * Undefined where only help is asked for. Throws a `UsageError` that names what is wrong.
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Settings | undefined}
 */
export const readSettings = (args, environment) => {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  if (positionals.length > 1)
    throw new UsageError(`Expected one port, got: ${positionals.join(' ')}`)
  /** A variable that is set to nothing is as good as none. @param {string} name */
  const set = name => environment[name]?.trim() || undefined
  /** @param {string} name @param {number} otherwise @param {number} least @param {number} [most] */
  const number = (name, otherwise, least, most) => {
    const text = set(name)
    return text === undefined ? otherwise : numberFrom(name, text, least, most)
  }
  const [argument] = positionals
  const port =
    argument === undefined
      ? number('WS_PORT', number('PORT', 3001, 0, 65_535), 0, 65_535)
      : numberFrom('PORT', argument, 0, 65_535)
  const origins = set('ALLOWED_ORIGINS') ?? 'http://localhost:3000,http://127.0.0.1:3000'
  return {
    server: {
      port,
      host: set('WS_HOST') ?? '0.0.0.0',
      allowedOrigins: origins
        .split(',')
        .map(origin => origin.trim())
        .filter(Boolean),
      allowMissingOrigin: set('ALLOW_MISSING_ORIGIN') === '1',
      heartbeat: {
        intervalMs: number('WS_HEARTBEAT_MS', 30_000, 1),
        timeoutMs: number('WS_HEARTBEAT_TIMEOUT_MS', 10_000, 1),
      },
      rateLimit: { limit: number('WS_RATE_LIMIT', 50, 1), perMs: 1000 },
      maxPayload: number('WS_MAX_PAYLOAD', 65_536, 1),
    },
    drainMs: number('WS_DRAIN_MS', 1000, 0),
    seed: numberFrom('--seed', values.seed, 0),
    speed: numberFrom('--speed', values.speed, Number.MIN_VALUE),
    replay: values.replay,
    verbose: values.verbose,
  }
}

/** The options of a `RedisBroker`: their meaning, defaults and validation. */
import type { ServerLogger } from '../../logging.ts'
import { applyRules, numberOption, option, type Rule, requireKnown } from '../../validate.ts'

/** Options of `RedisBroker`. A bad value throws a `TypeError` or `RangeError` that names the option. */
export interface RedisBrokerOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss:` for TLS. Never logged. */
  url: string
  /** Messages remembered per channel; 0 remembers none but the newest. @default 1000 */
  historySize?: number
  /** How long they are remembered, in ms. @default 300000 */
  historyTtlMs?: number
  /** The prefix of all keys, so that others may use the same database. @default 'rws:' */
  keyPrefix?: string
  /**
   * A server without a sign of life for so long, in ms, counts as dead, and another one applies the message that it had
   * begun; a Redis that is silent for a quarter of it counts as away. 100 to 3600000. @default 10000
   */
  leaseMs?: number
  /** Where it is logged that Redis goes away and comes back. @default none */
  logger?: Partial<ServerLogger>
  /** The clock, ms since the epoch. @default Date.now */
  now?: () => number
}

/** Options as the broker reads them: complete and checked. */
export type RedisBrokerSettings = Readonly<Required<Omit<RedisBrokerOptions, 'url'>> & { url: URL }>

const redisUrl: Rule<URL> = (name, given) => {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
  if (url?.hostname && /^rediss?:$/.test(url.protocol) && /^\/?\d*$/.test(url.pathname)) return url
  // The value is not shown: it may hold a password.
  throw new TypeError(
    `${name}: expected 'redis://host:port' or 'rediss://host:port', got something else`,
  )
}

const requirePrefix = (name: string, value: unknown): void => {
  if (typeof value === 'string') return
  throw new TypeError(`${name}: expected a string, got ${typeof value}`)
}

const OPTIONS: { readonly [Name in keyof RedisBrokerSettings]: Rule<RedisBrokerSettings[Name]> } = {
  url: redisUrl,
  historySize: numberOption(1000),
  historyTtlMs: numberOption(300_000),
  keyPrefix: option('rws:', requirePrefix),
  leaseMs: numberOption(10_000, { min: 100, max: 3_600_000 }),
  logger: option({}),
  now: option(Date.now),
}

export const resolveRedisOptions = (options: RedisBrokerOptions): RedisBrokerSettings => {
  requireKnown(options ?? {}, Object.keys(OPTIONS))
  return applyRules(OPTIONS, options ?? {})
}

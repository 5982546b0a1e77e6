/** The default and the rule of every option that each client has; what a part of `use` adds stands with the part. */
import { faultOf } from '../shared/address.ts'
import type { Environment } from '../shared/runtime.ts'
import {
  checked,
  kind,
  number,
  oneOf,
  type Rule,
  type RulesOf,
  readSection,
  requireObject,
  section,
  show,
} from '../shared/validate.ts'
import type {
  BatchOptions,
  DedupeOptions,
  HeartbeatOptions,
  HistoryOptions,
  QueueOptions,
  ReconnectOptions,
} from './options.ts'
import type { CoreSettings } from './settings.ts'

const INFINITE = Number.POSITIVE_INFINITY
const fn = kind('function')

const RECONNECT: RulesOf<ReconnectOptions> = {
  initialDelayMs: number(2000),
  factor: number(2, { min: 1 }),
  maxDelayMs: number(30_000),
  jitter: number(1, { orFunction: true }),
  maxAttempts: number(5, { whole: true }),
  stableAfterMs: number(5000),
  giveUpAfterMs: number(INFINITE),
  when: fn,
}
const HEARTBEAT: RulesOf<HeartbeatOptions> = {
  intervalMs: number(30_000, { min: 1 }),
  timeoutMs: number(10_000, { min: 1 }),
  message: kind('string'),
}
const QUEUE: RulesOf<QueueOptions> = {
  limit: number(1000, { whole: true }),
  maxBytes: number(8_388_608),
  overflow: oneOf('drop-oldest'),
  retries: number(3, { whole: true }),
  ttlMs: number(INFINITE),
  ratePerSecond: number(40, { min: 1 }),
  maxInFlight: number(256, { min: 1, whole: true }),
}
const BATCH: RulesOf<BatchOptions<unknown>> = {
  windowMs: number(150),
  maxSize: number(5000, { min: 1, whole: true }),
  conflate: fn,
}
/** What names a message unless `dedupe.key` says otherwise: its id. */
export const idOfMessage = (message: unknown): unknown =>
  (message as { id?: unknown } | null | undefined)?.id
const DEDUPE: RulesOf<DedupeOptions<unknown>> = {
  size: number(10_000, { min: 1, whole: true }),
  ttlMs: number(300_000),
  key: kind('function', '', idOfMessage),
}
const HISTORY: RulesOf<HistoryOptions> = { limit: number(100, { whole: true }) }

const ENVIRONMENT_PARTS =
  'WebSocket fetch now monotonicNow random getRandomValues setTimeout clearTimeout'
/** Only what is given: a part that is `undefined` may be absent on purpose. */
const environment: Rule<Partial<Environment>> = {
  fallback: {},
  read(path, given) {
    const rules = Object.fromEntries([
      ...ENVIRONMENT_PARTS.split(' ').map(name => [name, fn]),
      ['page', kind('object', 'on hidden online')],
    ])
    const values: Record<string, unknown> = section(rules).read(path, given)
    return Object.fromEntries(
      Object.entries(values).filter(
        ([name, value]) => value !== undefined || name in Object(given),
      ),
    )
  },
}

const isTextOrFunction = (value: unknown): boolean => /^(string|function)$/.test(typeof value)
const protocols: Rule<never> = {
  fallback: undefined as never,
  read(path, given) {
    const list = [given].flat()
    if (given === undefined || (list.every(isTextOrFunction) && given !== null)) {
      return kind('string object function').read(path, given)
    }
    throw new TypeError(
      `${path}: expected a string, an array of them or a function, got ${show(given)}`,
    )
  },
}
const text = kind('string')

export const CORE_RULES: RulesOf<CoreSettings> = {
  url: checked(
    kind('string object function', 'href', 'ws://localhost:3001/ws'),
    value => typeof value !== 'function' && faultOf(`${value}`),
  ),
  protocols,
  enabled: kind('boolean', '', true),
  connectTimeoutMs: number(10_000, { min: 1 }),
  reconnect: section(RECONNECT),
  heartbeat: section(HEARTBEAT, true),
  queue: section(QUEUE),
  batch: section(BATCH, true),
  dedupe: section(DEDUPE, true),
  history: section(HISTORY),
  protocol: kind('object', 'attach'),
  // Nobody is a user, too.
  identity: {
    fallback: undefined,
    read: (path, given) => (given === null ? null : text.read(path, given)),
  },
  token: kind('string function'),
  schema: kind('object function', '~standard'),
  logger: kind('object function', 'debug info warn error'),
  signal: kind('object', 'addEventListener removeEventListener'),
  environment,
}

/** The options of a client, complete. Throws a `TypeError` (wrong kind, unknown name) or a `RangeError` (impossible value). */
export const readOptions = <Settings>(given: object = {}, rules: object): Settings => {
  requireObject('options', given)
  return readSection('', given, rules) as Settings
}

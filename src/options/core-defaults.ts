/** The defaults of the options that every client has, as `/basic` has them. */
import { CORE_RULES } from './defaults.ts'
import type {
  BatchOptions,
  DedupeOptions,
  HeartbeatOptions,
  HistoryOptions,
  QueueOptions,
  ReconnectOptions,
} from './options.ts'

/** Every option of `/basic` that has a default, and that default; the documentation of the options says what each means. */
export interface CoreDefaults {
  readonly url: string
  readonly enabled: boolean
  readonly connectTimeoutMs: number
  readonly reconnect: Readonly<Required<Omit<ReconnectOptions, 'when'>>>
  readonly heartbeat: Readonly<Required<Omit<HeartbeatOptions, 'message'>>>
  readonly queue: Readonly<Required<QueueOptions>>
  readonly batch: Readonly<Required<BatchOptions<unknown>>>
  readonly dedupe: Readonly<Required<DedupeOptions<unknown>>>
  readonly history: Readonly<Required<HistoryOptions>>
}

const NAMES = 'url enabled connectTimeoutMs reconnect heartbeat queue batch dedupe history'

const createDefaults = (): CoreDefaults =>
  Object.fromEntries(
    NAMES.split(' ').map(name => [name, CORE_RULES[name as keyof typeof CORE_RULES].fallback]),
  ) as never

export const CORE_DEFAULTS: CoreDefaults = /* @__PURE__ */ createDefaults()

/** The defaults of the options that every client has, as `/basic` has them. */
import { CORE_RULES } from './defaults.ts'
import type { CoreSettings } from './settings.ts'

/** Every option of `/basic` that has a default, and that default; the documentation of the options says what each means. */
export type CoreDefaults = Pick<CoreSettings, 'enabled' | 'connectTimeoutMs'> & {
  readonly url: string
} & {
  readonly [Name in 'reconnect' | 'heartbeat' | 'queue' | 'batch' | 'dedupe' | 'history']: Exclude<
    CoreSettings[Name],
    false
  >
}

const defaultOf = (name: keyof CoreDefaults): never => CORE_RULES[name].fallback as never

export const CORE_DEFAULTS: CoreDefaults = {
  url: defaultOf('url'),
  enabled: defaultOf('enabled'),
  connectTimeoutMs: defaultOf('connectTimeoutMs'),
  reconnect: defaultOf('reconnect'),
  heartbeat: defaultOf('heartbeat'),
  queue: defaultOf('queue'),
  batch: defaultOf('batch'),
  dedupe: defaultOf('dedupe'),
  history: defaultOf('history'),
}

/** The defaults of all options, as the main entry has them. */
import { fallbackRule } from '../http/fallback-options.ts'
import { CORE_RULES } from '../options/defaults.ts'
import type { Settings } from '../options/settings.ts'

/** Every option that has a default, and that default; `src/options/options.ts` says what each means. */
export type Defaults = Pick<Settings, 'url' | 'enabled' | 'connectTimeoutMs'> & {
  readonly [Name in
    | 'reconnect'
    | 'heartbeat'
    | 'fallback'
    | 'queue'
    | 'batch'
    | 'dedupe'
    | 'history']: Exclude<Settings[Name], false>
}

/** What each option is set to if it is not given. */
export const DEFAULTS: Defaults = {
  url: CORE_RULES.url.fallback,
  enabled: CORE_RULES.enabled.fallback,
  connectTimeoutMs: CORE_RULES.connectTimeoutMs.fallback,
  reconnect: CORE_RULES.reconnect.fallback,
  heartbeat: CORE_RULES.heartbeat.fallback as never,
  fallback: fallbackRule().fallback as never,
  queue: CORE_RULES.queue.fallback,
  batch: CORE_RULES.batch.fallback as never,
  dedupe: CORE_RULES.dedupe.fallback as never,
  history: CORE_RULES.history.fallback,
}

/** The default and the rule of each option of `fallback`. */
import type { FallbackSettings } from '../options/settings.ts'
import { kind, number, type Rule, section } from '../shared/validate.ts'

export const FALLBACK_RULE: Rule<FallbackSettings | false> = section(
  {
    url: kind('string', '', '/api/market/snapshot'),
    intervalMs: number(5000, { min: 1 }),
    timeoutMs: number(10_000, { min: 1 }),
    probeIntervalMs: number(30_000, { min: 1 }),
    afterMs: number(undefined),
    parse: kind('function'),
  },
  true,
)

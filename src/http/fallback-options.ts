/** The default and the rule of each option of `fallback`. */
import type { FallbackOptions } from '../options/options.ts'
import type { FallbackSettings } from '../options/settings.ts'
import { kind, number, type Rule, type RulesOf, section, withDefault } from '../shared/validate.ts'

const createRules = (): RulesOf<FallbackSettings> => ({
  url: kind('string', '', '/api/market/snapshot'),
  intervalMs: number(5000, { min: 1 }),
  timeoutMs: number(10_000, { min: 1 }),
  probeIntervalMs: number(30_000, { min: 1 }),
  afterMs: number(undefined),
  parse: kind('function'),
})

const RULES = /* @__PURE__ */ createRules()

/** The rule of `fallback`; `given`: what `polling()` was given, which counts where the option leaves a field out. */
export const fallbackRule = (given: FallbackOptions = {}): Rule<FallbackSettings | false> => {
  const base = section(RULES).read('polling', given) as FallbackSettings
  const rules = Object.entries(RULES).map(([name, rule]) => [
    name,
    withDefault(rule as Rule, base[name as keyof FallbackSettings]),
  ])
  return section(Object.fromEntries(rules), true)
}

/** The defaults of all options, as the main entry has them. */
import { fallbackRule } from '../http/fallback-options.ts'
import { CORE_DEFAULTS, type CoreDefaults } from '../options/core-defaults.ts'
import type { FallbackOptions } from '../options/options.ts'

/** Every option that has a default, and that default; the documentation of the options says what each means. */
export interface Defaults extends CoreDefaults {
  readonly fallback: Readonly<Required<FallbackOptions>>
}

const createDefaults = (): Defaults => ({
  ...CORE_DEFAULTS,
  fallback: fallbackRule().fallback as Defaults['fallback'],
})

/** What each option is set to if it is not given. */
export const DEFAULTS: Defaults = /* @__PURE__ */ createDefaults()

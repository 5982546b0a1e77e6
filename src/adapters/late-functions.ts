/** Options whose functions stay up to date: the client is made once, its callers render again and again. */
import { OPAQUE } from './option-differences.ts'

/** Sections of options, in which functions may stand, too. */
const SECTIONS = 'reconnect heartbeat fallback queue batch dedupe history'.split(' ')

/** The same options, but each function calls the one that `newest()` has under its name at that time. */
export const withLateFunctions = (
  given: object,
  newest: () => object | undefined,
  sections: readonly string[] = SECTIONS,
): object =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const current = (): unknown => (newest() as Record<string, unknown> | undefined)?.[name]
      if (OPAQUE.includes(name)) return [name, value]
      if (typeof value === 'function') {
        return [
          name,
          (...args: unknown[]) => {
            const latest = current() ?? value
            return typeof latest === 'function' ? latest(...args) : latest
          },
        ]
      }
      const isSection = sections.includes(name) && value && typeof value === 'object'
      return [name, isSection ? withLateFunctions(value, current as () => object, []) : value]
    }),
  )

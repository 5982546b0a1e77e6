/** In which options two callers of one client differ, and the warning for it. */
import { type AnyChoice, isFunction } from './client-target.ts'
import { clientOptions } from './options.ts'

/** Options that are compared as they are, and whose functions are never replaced: they have methods of their own. */
export const OPAQUE: readonly string[] = 'environment protocol schema logger signal'.split(' ')

/** These decide which client is meant, or are up to each caller. */
const NOT_COMPARED = 'url protocols protocol environment identity token enabled'.split(' ')

const asText = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value, (_, part) => (isFunction(part) ? 'function' : part))
  } catch {
    // Cyclic, so no option that the client takes.
    return undefined
  }
}

/** The options that `given` gives otherwise than `made`. */
const differing = (made: object, given: object): readonly string[] =>
  Object.entries(given)
    .filter(([name, value]) => !NOT_COMPARED.includes(name) && value !== undefined)
    .filter(([name, value]) => {
      const other = (made as Record<string, unknown>)[name]
      return OPAQUE.includes(name) ? value !== other : asText(value) !== asText(other)
    })
    .map(([name]) => name)

/** True if two callers would make the same client. */
export const makesSame = (one: AnyChoice, other: AnyChoice): boolean => {
  const [before, after] = [clientOptions(one), clientOptions(other)]
  return !differing(before, after).length && !differing(after, before).length
}

/** The warning for a caller whose options do not count; `undefined` where nothing differs. `made`: those that do. */
export const ignoredOptions = (
  made: object,
  options: AnyChoice,
  url: unknown,
): string | undefined => {
  const names = differing(made, clientOptions(options)).filter(name => !OPAQUE.includes(name))
  if (!names.length) return undefined
  // Without its query, which may hold a secret.
  const client = typeof url === 'string' ? url.split('?')[0] : 'A client'
  return `resilient-websocket: ${client} is shared, and the options of its first caller count; another one gave other values for: ${names.join(', ')}. Give the same ones, or share: false.`
}

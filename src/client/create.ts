/** `createResilientWebSocket` of either entry: reads the options, with those of the parts that are used. */
import { CORE_RULES, readOptions } from '../options/defaults.ts'
import type { Part } from '../options/part.ts'
import type { Settings } from '../options/settings.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { type Rule, withDefault } from '../shared/validate.ts'
import type { ResilientWebSocket } from './client-types.ts'
import { createClient } from './create-client.ts'
import { missingPart, type PartName, partsByName } from './parts.ts'

/** Of an option whose part is not there: `undefined` and `false` are no error. */
const absent = (part: PartName): Rule<false> => ({
  fallback: false,
  read(path, given) {
    if (given === undefined || given === false) return false
    throw missingPart(path, part)
  },
})

const use: Rule<readonly Part[]> = {
  fallback: [],
  read(path, given = []) {
    if (Array.isArray(given) && given.every(part => typeof part?.name === 'string')) return given
    throw new TypeError(`${path}: expected an array of parts, such as [subscriptions()]`)
  },
}

/** `own`: the parts of the entry, before those of `use`. `protocol`: for a client whose options name none. */
export const create = <Incoming, Outgoing>(
  options: object | undefined,
  own: readonly Part[],
  protocol: Protocol<never, never> | undefined,
): ResilientWebSocket<Incoming, Outgoing> => {
  const given = Object(options) as { readonly use?: unknown; readonly fallback?: unknown }
  const parts = partsByName([...own, ...use.read('use', given.use)])
  const { polling } = parts
  const settings = readOptions<Settings<Incoming, Outgoing>>(options, {
    ...CORE_RULES,
    protocol: withDefault(CORE_RULES.protocol, protocol),
    use,
    fallback: polling?.rule ?? absent('polling'),
  })
  if (!settings.protocol) {
    throw new TypeError('protocol: expected json(), raw() or another protocol, got undefined')
  }
  // Another server is polled only where somebody says so.
  const isPolled = settings.protocol.polls || polling?.given || given.fallback !== undefined
  return createClient(isPolled ? settings : { ...settings, fallback: false }, parts)
}

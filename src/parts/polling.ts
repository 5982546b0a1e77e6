/** `polling()`: FALLBACK. */
import type { PollingPart } from '../client/parts.ts'
import { createPollInbox } from '../client/poll-inbox.ts'
import { createFallback } from '../http/fallback.ts'
import { fallbackRule } from '../http/fallback-options.ts'
import type { FallbackOptions } from '../options/options.ts'
import type { Part } from '../options/part.ts'

/**
 * Adds FALLBACK: polling while no WebSocket gets through, and the option `fallback`. It takes what that option takes; of
 * a field that both name, the option counts, and `fallback: false` turns polling off. Throws as the option does.
 */
export const polling = (options?: FallbackOptions): Part<'polling'> => {
  const part: PollingPart = {
    name: 'polling',
    given: options,
    rule: fallbackRule(options),
    createFallback,
    createPollInbox,
  }
  return part
}

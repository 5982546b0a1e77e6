/** Messages that came and are not delivered: counted by reason, logged, and warned of where most of a type are dropped. */
import { createSuppression } from '../delivery/suppression.ts'
import type { Log } from '../shared/log.ts'

export interface Drops {
  /** What comes was polled: a poll brings again what has not changed. */
  isPolled: boolean
  /** A message of this type is delivered. */
  delivered(type: unknown): void
  /** A message is not delivered. `key`: the name that another message had before. */
  drop(reason: string, message: unknown, key?: unknown): void
}

export const createDrops = (log: Log, count: (reason: string) => void): Drops => {
  const suppression = createSuppression(message => log('warn', message))
  const drops: Drops = {
    isPolled: false,
    delivered: suppression.delivered,
    drop(reason, message, key) {
      count(reason)
      log('debug', () => `Dropped (${reason}): ${JSON.stringify(message)}`)
      if (!drops.isPolled) suppression.dropped(reason, message, key)
    },
  }
  return drops
}

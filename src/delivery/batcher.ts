/**
 * Joins what arrives close together: the first message after a quiet window at once, what follows
 * within the window as one batch.
 */
import type { Timers } from '../shared/timers.ts'

export interface BatchRules<Message> {
  readonly windowMs: number
  readonly maxSize: number
  readonly conflate: ((message: Message) => unknown) | undefined
}

export interface Batcher<Message> {
  add(message: Message): void
  /** Delivers what waits, now. */
  flush(): void
}

const TIMER = 'batch'

export const createBatcher = <Message>(
  rules: BatchRules<Message>,
  timers: Timers,
  deliver: (batch: readonly Message[]) => void,
): Batcher<Message> => {
  const { windowMs, maxSize, conflate } = rules
  // Keyed by what `conflate` says; a Map keeps the order of what was set last.
  let waiting = new Map<unknown, Message>()
  let list: Message[] = []
  /** A window is open: what comes now waits for its end. */
  let open = false

  const keyOf = (message: Message): unknown => {
    try {
      return conflate?.(message) ?? Symbol()
    } catch {
      // What cannot be named is not conflated.
      return Symbol()
    }
  }

  const size = (): number => (conflate ? waiting.size : list.length)

  const flush = (): void => {
    if (!size()) return
    const batch = conflate ? [...waiting.values()] : list
    waiting = new Map()
    list = []
    deliver(batch)
  }

  const window = (): void => {
    open = size() > 0
    if (!open) return
    timers.set(TIMER, windowMs, window)
    flush()
  }

  return {
    add(message) {
      let many: number
      if (conflate) {
        const key = keyOf(message)
        // The newer one takes its own place in the order, not that of the one it replaces.
        waiting.delete(key)
        many = waiting.set(key, message).size
      } else many = list.push(message)
      if (!open) window()
      else if (many >= maxSize) flush()
    },
    flush,
  }
}

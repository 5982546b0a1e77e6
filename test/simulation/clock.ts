/** The time of a simulated world: stands still while something happens, and jumps to what happens next. */

interface Planned {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

export interface Clock {
  /** Milliseconds since the world began. */
  now(): number
  after(delayMs: number, run: () => void): unknown
  cancel(handle: unknown): void
  /**
   * Lets everything happen that is due within so many ms, each with all its consequences; stops early when told.
   * Throws where more happens than any honest run needs: what never comes to rest would hang the run.
   */
  advance(ms: number, enough?: () => boolean): Promise<void>
  /** What is still planned. */
  pending(): number
}

/** Things that may happen in one run, and at one moment of it. */
const MOST_EVENTS = 1_000_000
const MOST_AT_ONCE = 20_000

// Promises run to their end before the next tick: one is enough for all consequences.
const turn = (): Promise<void> => new Promise(resolve => process.nextTick(resolve))

export const createClock = (): Clock => {
  /** A binary heap: the earliest first. */
  const heap: Planned[] = []
  let time = 0
  let order = 0
  let live = 0
  let events = 0
  let atOnce = 0

  const before = (a: Planned, b: Planned): boolean =>
    a.at < b.at || (a.at === b.at && a.order < b.order)

  const swap = (a: number, b: number): void => {
    const kept = heap[a] as Planned
    heap[a] = heap[b] as Planned
    heap[b] = kept
  }

  const push = (planned: Planned): void => {
    let index = heap.push(planned) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!before(planned, heap[parent] as Planned)) break
      swap(index, parent)
      index = parent
    }
  }

  const pop = (): Planned => {
    const first = heap[0] as Planned
    const last = heap.pop() as Planned
    if (heap.length) {
      heap[0] = last
      let index = 0
      for (;;) {
        let least = index
        for (const child of [2 * index + 1, 2 * index + 2]) {
          if (child < heap.length && before(heap[child] as Planned, heap[least] as Planned))
            least = child
        }
        if (least === index) break
        swap(index, least)
        index = least
      }
    }
    return first
  }

  return {
    now: () => time,
    after(delayMs, run) {
      const planned: Planned = { at: time + Math.ceil(Math.max(0, delayMs)), order: order++, run }
      push(planned)
      live++
      return planned
    },
    cancel(handle) {
      const planned = handle as Planned | undefined
      if (!planned?.run) return
      planned.run = undefined
      live--
    },
    async advance(ms, enough) {
      const until = time + ms
      await turn()
      while (heap[0] && heap[0].at <= until && !enough?.()) {
        const { at, run } = pop()
        if (!run) continue
        atOnce = at === time ? atOnce + 1 : 0
        if (++events > MOST_EVENTS || atOnce > MOST_AT_ONCE) {
          throw new Error(`no rest at ${at} ms, after ${events} events`)
        }
        time = at
        live--
        run()
        await turn()
      }
      if (!enough?.()) time = until
    },
    pending: () => live,
  }
}

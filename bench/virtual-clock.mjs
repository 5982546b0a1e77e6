// A clock for a whole process: timers and times of all libraries alike, so that minutes pass in milliseconds. To be
// installed before a library is loaded, for some keep the functions that they find.

/** Real turns of the event loop, for what promises and `setImmediate` still have to do. */
const { setImmediate } = globalThis

export const installVirtualClock = () => {
  const start = Date.now()
  let now = 0
  let order = 0
  /** A binary heap by due time, then by age. Cancelled timers stay until they are due. */
  const heap = []
  const isBefore = (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order)

  const push = timer => {
    let index = heap.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(timer, heap[parent])) break
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = timer
  }

  const pop = () => {
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++
      if (!isBefore(heap[child], last)) break
      heap[index] = heap[child]
      index = child
    }
    heap[index] = last
    return first
  }

  const add = (run, delayMs, args, everyMs) => {
    const timer = {
      at: now + Math.max(1, Number(delayMs) || 0),
      order: order++,
      run: () => run(...args),
      everyMs,
      unref: () => timer,
      ref: () => timer,
      hasRef: () => true,
    }
    push(timer)
    return timer
  }
  const clear = timer => {
    if (timer) timer.run = undefined
  }

  globalThis.setTimeout = (run, delayMs, ...args) => add(run, delayMs, args)
  globalThis.setInterval = (run, delayMs, ...args) => add(run, delayMs, args, delayMs)
  globalThis.clearTimeout = clear
  globalThis.clearInterval = clear
  Date.now = () => Math.floor(start + now)
  performance.now = () => now

  /** Until promises, microtasks and `setImmediate` have nothing left to do. */
  const settle = async () => {
    await new Promise(setImmediate)
  }

  return {
    now: () => now,
    settle,
    /** Lets so much time pass: each timer runs at its moment, and what it began is done before the next moment. */
    async advance(ms) {
      const end = now + ms
      await settle()
      while (heap.length > 0 && heap[0].at <= end) {
        now = Math.max(now, heap[0].at)
        // Those of one moment together.
        while (heap.length > 0 && heap[0].at <= now) {
          const timer = pop()
          const { run, everyMs } = timer
          if (!run) continue
          if (everyMs !== undefined) push(Object.assign(timer, { at: now + Math.max(1, everyMs) }))
          run()
        }
        await settle()
      }
      now = end
    },
  }
}

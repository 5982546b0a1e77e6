/** Listens to AbortSignals: once to each, however many messages wait for it. */
export interface Aborts {
  /** Runs on abort. Returns an idempotent end of that; the last one leaves no listener on the signal. */
  on(signal: AbortSignal, run: () => void): () => void
}

interface Watch {
  readonly runs: Set<() => void>
  stop(): void
}

export const createAborts = (): Aborts => {
  const watches = new Map<AbortSignal, Watch>()

  const watch = (signal: AbortSignal): Watch => {
    const runs = new Set<() => void>()
    const onAbort = (): void => {
      for (const run of runs) run()
    }
    signal.addEventListener('abort', onAbort)
    return {
      runs,
      stop() {
        watches.delete(signal)
        signal.removeEventListener('abort', onAbort)
      },
    }
  }

  return {
    // Node warns of an eleventh listener, and to remove one of many it looks through them all.
    on(signal, run) {
      const { runs, stop } = watches.get(signal) ?? watch(signal)
      watches.set(signal, { runs, stop })
      const own = (): void => run()
      runs.add(own)
      return () => {
        if (runs.delete(own) && !runs.size) stop()
      }
    },
  }
}

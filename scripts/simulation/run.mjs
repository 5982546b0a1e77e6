// Runs seeds on several cores. A seed that does not end is ended, and named.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** A run takes 50 ms; one that takes so long never ends. */
const LONGEST_MS = 60_000
const PORTION = 20

/** `each` hears every outcome and may return true to stop. */
export const runSeeds = async (bundle, from, count, each) => {
  let next = from
  let stopped = false

  const work = () =>
    new Promise((resolve, reject) => {
      /** The seed under way. */
      const at = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
        workerData: { bundle, at },
        // A run leaves much behind at once: room for that saves collecting it.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      })
      let seen = 0
      const watch = setInterval(() => {
        const seed = Atomics.load(at, 0)
        if (seed && seed === seen) {
          each({ seed, violations: [`did not end in ${LONGEST_MS / 1000} s`] })
          stopped = true
          worker.terminate()
        }
        seen = seed
      }, LONGEST_MS)
      const give = () => {
        if (stopped || next >= from + count) return worker.postMessage(undefined)
        const seeds = Math.min(PORTION, from + count - next)
        worker.postMessage({ from: next, count: seeds })
        next += seeds
      }
      worker.on('message', outcomes => {
        for (const outcome of outcomes) stopped = each(outcome) === true || stopped
        give()
      })
      worker.on('error', thrown =>
        reject(new Error(`seed ${Atomics.load(at, 0)} failed`, { cause: thrown })),
      )
      worker.on('exit', () => {
        clearInterval(watch)
        resolve()
      })
      give()
    })
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

/** The first seed that breaks something, with what it broke; `undefined`: none did. */
export const firstBroken = async (bundle, from, count) => {
  let first
  await runSeeds(bundle, from, count, ({ seed, violations }) => {
    if (violations.length && !(first?.seed < seed)) first = { seed, words: violations[0] }
    return violations.length > 0
  })
  return first
}

import { parentPort, workerData } from 'node:worker_threads'

// Traces that nobody reads take a good part of the time.
Error.stackTraceLimit = 0
const { bundle, at } = workerData
const { runSeed } = await import(bundle)

parentPort.on('message', async work => {
  if (!work) return parentPort.close()
  const outcomes = []
  for (let seed = work.from; seed < work.from + work.count; seed++) {
    Atomics.store(at, 0, seed)
    outcomes.push(await runSeed(seed))
  }
  Atomics.store(at, 0, 0)
  parentPort.postMessage(outcomes)
})

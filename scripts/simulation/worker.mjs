import { parentPort, workerData } from 'node:worker_threads'

// Traces that nobody reads take a good part of the time.
Error.stackTraceLimit = 0
const { runSeed } = await import(workerData.bundle)

parentPort.on('message', async work => {
  if (!work) return parentPort.close()
  const outcomes = []
  for (let seed = work.from; seed < work.from + work.count; seed++) {
    outcomes.push(await runSeed(seed))
  }
  parentPort.postMessage(outcomes)
})

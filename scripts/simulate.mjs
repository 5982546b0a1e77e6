// npm run simulate -- --seeds 20000 [--from N] [--seed N] [--mutant NAME] [--mutants]
// Runs the real client and the real server logic on a virtual clock and network, seed by seed.
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { bundleSimulation, loadMutants } from './simulation/bundle.mjs'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
})

const whole = (name, text) => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  console.error(`--${name}: expected a whole number from 1, got '${text}'`)
  process.exit(2)
}

mkdirSync('node_modules/.cache/simulation', { recursive: true })

/** Runs seeds on all cores; `each` is called with every outcome and may return true to stop. */
const runAll = async (bundle, from, count, each) => {
  const workers = []
  let next = from
  let stopped = false
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./simulation/worker.mjs', import.meta.url), {
        workerData: { bundle },
      })
      workers.push(worker)
      const give = () => {
        if (stopped || next >= from + count) return worker.postMessage(undefined)
        const seeds = Math.min(20, from + count - next)
        worker.postMessage({ from: next, count: seeds })
        next += seeds
      }
      worker.on('message', outcomes => {
        for (const outcome of outcomes) stopped = each(outcome) === true || stopped
        give()
      })
      worker.on('error', reject)
      worker.on('exit', resolve)
      give()
    })
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

if (values.seed !== undefined) {
  const { runSeed } = await import(await bundleSimulation())
  const outcome = await runSeed(whole('seed', values.seed), console.log)
  console.log(outcome)
  process.exit(outcome.violations.length ? 1 : 0)
}

const seeds = whole('seeds', values.seeds)
const from = whole('from', values.from)

if (values.mutants) {
  let survivors = 0
  for (const { rule, name } of await loadMutants()) {
    const bundle = await bundleSimulation(name)
    let killedBy = Number.POSITIVE_INFINITY
    let words = ''
    await runAll(bundle, from, seeds, ({ seed, violations }) => {
      if (violations.length && seed < killedBy) {
        killedBy = seed
        words = violations[0]
      }
      return violations.length > 0
    })
    const killed = killedBy < Number.POSITIVE_INFINITY
    if (!killed) survivors++
    console.log(
      `${killed ? `killed by seed ${killedBy}` : `SURVIVED ${seeds} seeds`}  rule ${rule}: ${name}${words ? `  (${words})` : ''}`,
    )
  }
  process.exit(survivors ? 1 : 0)
}

const began = performance.now()
const totals = {}
const failed = []
await runAll(await bundleSimulation(values.mutant), from, seeds, outcome => {
  const { seed, violations, ...counts } = outcome
  for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
  if (!violations.length) return false
  failed.push(seed)
  console.log(`seed ${seed}: ${violations.length} violations; npm run simulate -- --seed ${seed}`)
  for (const words of violations.slice(0, 5)) console.log(`  ${words}`)
  return failed.length >= 20
})
const seconds = (performance.now() - began) / 1000
const perSeed = name => ((totals[name] ?? 0) / seeds).toFixed(1)
console.log(
  `${seeds} seeds in ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(0)} a second), ${failed.length} with violations`,
)
console.log(
  `messages: ${totals.sent + totals.published} (${totals.sent} sent, ${totals.applied} applied, ${totals.published} published, ${totals.delivered} delivered)`,
)
console.log(
  `a seed: ${perSeed('reconnects')} reconnects, ${perSeed('switches')} transport switches, ${perSeed('gaps')} gaps told, ${perSeed('unknown')} unknown told`,
)
process.exit(failed.length ? 1 : 0)

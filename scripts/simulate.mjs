// npm run simulate -- [--seeds 20000] [--from N]         seed by seed; what is broken is named
//                     --seed N [--mutant NAME]           replays one seed, and says what happened
//                     --mutants [--seeds N] [--write]    breaks one rule after the other; --write: docs/mutants.md
// Runs the real client and the real server logic on a virtual clock and network.
import { mkdirSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleSimulation, loadMutants } from './simulation/bundle.mjs'
import { firstBroken, runSeeds } from './simulation/run.mjs'

const TABLE = fileURLToPath(new URL('../docs/mutants.md', import.meta.url))
const INTRODUCTION = `# Mutants

Each breaks one rule of [the protocol](protocol.md), of the driver or of the delivery
(\`test/simulation/mutants.ts\`); the checker of the simulation notices it at the latest at this seed. This page is
written by \`npm run simulate -- --mutants --seeds 2000 --write\`; \`npm run simulate -- --seed N --mutant NAME\` replays one.
[Those that cannot be noticed](decisions/0006-mutants-that-live.md) have tests of their own.
`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

const whole = (name, text) => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  console.error(`--${name}: expected a whole number from 1, got '${text}'`)
  process.exit(2)
}

mkdirSync('node_modules/.cache/simulation', { recursive: true })

if (values.seed !== undefined) {
  const { runSeed } = await import(await bundleSimulation(values.mutant))
  const outcome = await runSeed(whole('seed', values.seed), console.log)
  console.log(outcome)
  process.exit(outcome.violations.length ? 1 : 0)
}

const seeds = whole('seeds', values.seeds)
const from = whole('from', values.from)

if (values.mutants) {
  let survivors = 0
  const lines = ['', '| rule | mutant | seed | noticed by |', '|---|---|---|---|']
  for (const line of lines.slice(1)) console.log(line)
  for (const { rule, name } of await loadMutants()) {
    const broken = await firstBroken(await bundleSimulation(name), from, seeds)
    if (!broken) survivors++
    const { seed, words } = broken ?? { seed: `SURVIVED ${seeds}`, words: '' }
    const line = `| ${rule} | ${name} | ${seed} | ${words.replaceAll('|', '/')} |`
    console.log(line)
    lines.push(line)
  }
  if (values.write) writeFileSync(TABLE, `${INTRODUCTION}${lines.join('\n')}\n`)
  process.exit(survivors ? 1 : 0)
}

const began = performance.now()
const totals = {}
const failed = []
await runSeeds(await bundleSimulation(values.mutant), from, seeds, outcome => {
  const { seed, violations, ...counts } = outcome
  for (const [name, count] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + count
  if (!violations.length) return false
  failed.push(seed)
  const mutant = values.mutant ? ` --mutant '${values.mutant}'` : ''
  console.log(
    `seed ${seed}: ${violations.length} violations; npm run simulate -- --seed ${seed}${mutant}`,
  )
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

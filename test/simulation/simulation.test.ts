import { describe, expect, test } from 'vitest'
import { bundleSimulation } from '../../scripts/simulation/bundle.mjs'
import { MUTANTS } from './mutants.ts'
import type { Outcome } from './world.ts'

type RunSeed = (seed: number) => Promise<Outcome>

const load = async (mutant?: string): Promise<RunSeed> =>
  (await import(/* @vite-ignore */ await bundleSimulation(mutant))).runSeed

const SEEDS = Number(process.env['SEEDS'] ?? 1000)
const SEEDS_FOR_MUTANTS = 2000

test(`${SEEDS} seeds: nothing lost, nothing doubled, in order, or told; and real hardship`, async () => {
  const runSeed = await load()
  const broken: string[] = []
  let reconnects = 0
  let switches = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await runSeed(seed)
    reconnects += outcome.reconnects
    switches += outcome.switches
    const [first] = outcome.violations
    if (first) broken.push(`${first}; npm run simulate -- --seed ${seed}`)
  }
  expect(broken).toEqual([])
  expect(reconnects / SEEDS).toBeGreaterThanOrEqual(10)
  expect(switches / SEEDS).toBeGreaterThanOrEqual(2)
}, 300_000)

test('a seed decides everything: the same one, the same run', async () => {
  const runSeed = await load()
  expect(await runSeed(42)).toEqual(await runSeed(42))
}, 60_000)

describe('the checker notices every broken rule', () => {
  test.each(MUTANTS)(
    'rule $rule: $name',
    async ({ name }) => {
      const runSeed = await load(name)
      let killedBy = 0
      for (let seed = 1; !killedBy && seed <= SEEDS_FOR_MUTANTS; seed++) {
        if ((await runSeed(seed)).violations.length) killedBy = seed
      }
      expect(killedBy, `survived ${SEEDS_FOR_MUTANTS} seeds`).toBeGreaterThan(0)
    },
    300_000,
  )
})

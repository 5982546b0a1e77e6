import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundleSimulation } from '../../scripts/simulation/bundle.mjs'
import { firstBroken, runSeeds } from '../../scripts/simulation/run.mjs'
import { createClock } from './clock.ts'
import { MUTANTS } from './mutants.ts'
import { WAITING_FOR } from './plan.ts'
import type { Outcome } from './world.ts'

type RunSeed = (seed: number) => Promise<Outcome>

const load = async (mutant?: string): Promise<RunSeed> =>
  (await import(/* @vite-ignore */ await bundleSimulation(mutant))).runSeed

const SEEDS = Number(process.env['SEEDS'] ?? 1000)
const SEEDS_FOR_MUTANTS = 2000

/** The seeds that noticed the mutants when the table was written. */
const noticed = new Map(
  [...readFileSync('docs/mutants.md', 'utf8').matchAll(/^\| \S+ \| (.+?) \| (\d+) \|/gm)].map(
    ([, name, seed]) => [`${name}`, Number(seed)],
  ),
)

test(`${SEEDS} seeds: nothing lost, nothing doubled, in order, or told; and real hardship`, async () => {
  const broken: string[] = []
  let reconnects = 0
  let switches = 0
  await runSeeds(await bundleSimulation(), 1, SEEDS, ({ seed, violations, ...counts }) => {
    reconnects += counts.reconnects
    switches += counts.switches
    const [first] = violations
    if (first) broken.push(`${first}; npm run simulate -- --seed ${seed}`)
  })
  expect(broken).toEqual([])
  expect(reconnects / SEEDS).toBeGreaterThanOrEqual(10)
  expect(switches / SEEDS).toBeGreaterThanOrEqual(2)
}, 300_000)

test('no trouble is left out', () => {
  expect(WAITING_FOR).toEqual([])
})

test('a seed decides everything: the same one, the same run', async () => {
  const runSeed = await load()
  expect(await runSeed(42)).toEqual(await runSeed(42))
}, 60_000)

test('what never comes to rest fails instead of hanging', async () => {
  const clock = createClock()
  const again = (): void => void clock.after(0, again)
  again()
  await expect(clock.advance(1)).rejects.toThrow(/^no rest at 0 ms/)
})

describe('the checker notices every broken rule', () => {
  test('the table names each of them', () => {
    expect([...noticed.keys()]).toEqual(MUTANTS.map(({ name }) => name))
  })

  test.each(MUTANTS)(
    'rule $rule: $name',
    async ({ name }) => {
      const runSeed = await load(name)
      const { violations } = await runSeed(noticed.get(name) ?? 1)
      if (violations.length) return
      // The table is of another version: the seed is another one now.
      const broken = await firstBroken(await bundleSimulation(name), 1, SEEDS_FOR_MUTANTS)
      expect(broken, `survived ${SEEDS_FOR_MUTANTS} seeds`).toBeDefined()
    },
    300_000,
  )
})

// `npm test`: everything that CI runs, in order, to the first failure.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const results = `${root}/node_modules/.cache/test-results`
const bin = name => `${root}/node_modules/.bin/${name}`

const vitest = (name, config) => [
  name,
  bin('vitest'),
  [
    'run',
    '--config',
    config,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}/${name}.json`,
  ],
]

const steps = [
  ['lint', bin('biome'), ['check', '.']],
  ['types', 'npm', ['run', '--silent', 'types']],
  ['dead code', bin('knip'), []],
  vitest('tests', 'vitest.config.ts'),
  ['build', bin('tsup'), ['--silent']],
  vitest('built', 'vitest.built.config.ts'),
  ['examples', 'node', ['scripts/test-examples.mjs']],
  ['package shape', 'npm', ['run', '--silent', 'package-shape']],
  ['sizes', bin('size-limit'), []],
  ['docs', bin('typedoc'), ['--treatWarningsAsErrors']],
]

const count = () => {
  const totals = { passed: 0, failed: 0, skipped: 0 }
  for (const [name] of steps) {
    const file = `${results}/${name}.json`
    if (!existsSync(file)) continue
    const report = JSON.parse(readFileSync(file, 'utf8'))
    totals.passed += report.numPassedTests
    totals.failed += report.numFailedTests
    totals.skipped += report.numPendingTests + report.numTodoTests
  }
  return totals
}

rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })

let failed
for (const [name, command, args] of steps) {
  const began = Date.now()
  console.log(`\n--- ${name}`)
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (error) console.error(String(error))
  console.log(
    `--- ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - began) / 1000).toFixed(1)} s`,
  )
  if (status !== 0) {
    failed = name
    break
  }
}

const totals = count()
if (failed) {
  console.error(`\nStopped at: ${failed}`)
  totals.failed ||= 1
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = failed ? 1 : 0

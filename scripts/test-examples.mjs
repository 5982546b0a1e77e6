// The examples as their users get them: a clean install of the built library, types, a build, and the trading
// platform in Chromium. Expects dist/ to be built.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const CHROMIUM = '/usr/bin/chromium'

const run = (example, args) => {
  const cwd = fileURLToPath(new URL(`../examples/${example}`, import.meta.url))
  console.log(`\n${example}: npm ${args.join(' ')}`)
  const { status, error } = spawnSync('npm', args, {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
  })
  if (status === 0) return
  console.error(`${example}: npm ${args.join(' ')} failed: ${error ?? `status ${status}`}`)
  process.exit(1)
}

for (const example of ['vue', 'trading-platform']) {
  run(example, ['ci', '--no-audit', '--no-fund'])
  run(example, ['run', 'types'])
  run(example, ['run', 'build'])
}

if (existsSync(CHROMIUM)) run('trading-platform', ['run', 'test:e2e'])
else {
  const message = `${CHROMIUM} is missing, so the trading platform cannot be tested: apt-get install chromium`
  if (process.env.CI) throw new Error(message)
  console.warn(`\nSKIPPED: ${message}\n`)
}

// @ts-check
/** Takes the pictures in docs/images: `npm run screenshots`. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { status } = spawnSync(
  process.execPath,
  ['node_modules/@playwright/test/cli.js', 'test', ...process.argv.slice(2)],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, SCREENSHOTS: '1' },
  },
)
process.exitCode = status ?? 1

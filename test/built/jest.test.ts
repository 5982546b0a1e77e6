/** The packed library in Jest, which loads it by `require`. */
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'

const FOLDER = fileURLToPath(new URL('../jest', import.meta.url))

beforeAll(() => {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, stdio: 'inherit' })
}, 300_000)

test('Jest loads the package, with the conditions of Node and of a browser', () => {
  const { stdout, stderr } = spawnSync('npx', ['jest', '--json'], { cwd: FOLDER, encoding: 'utf8' })
  expect(JSON.parse(stdout), stderr).toMatchObject({
    success: true,
    numPassedTests: 8,
    numFailedTests: 0,
    numPendingTests: 0,
  })
})

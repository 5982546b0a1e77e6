/** The start scripts side by side. What can run here runs in test/built/cli.test.ts. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (name: string): string => readFileSync(`${root}scripts/${name}`, 'utf8')
const shell = read('start-websocket-server.sh')
const power = read('start-websocket-server.ps1')

test('both ask for Node.js in the same words, and end with a status that is not 0 without it', () => {
  const words = /Node\.js is missing: .*nodejs\.org/
  expect(words.exec(power)?.[0]).toBe(words.exec(shell)?.[0])
  expect(words.exec(shell)).not.toBeNull()
  for (const script of [shell, power]) expect(script).toMatch(/missing[^}]*?exit 1/)
})

test('both build where there is no build, start the same file, and hand on arguments and status', () => {
  for (const script of [shell, power]) {
    expect(script).toContain('dist/cli/index.js')
    expect(script).toContain('npm run --silent build')
    expect(script).toContain('websocket-server.js')
  }
  expect(existsSync(`${root}scripts/websocket-server.js`)).toBe(true)
  expect(shell).toMatch(/^exec node "\$here\/websocket-server\.js" "\$@"$/m)
  expect(power).toMatch(/^node \(Join-Path \$PSScriptRoot 'websocket-server\.js'\) @args$/m)
  expect(power).toMatch(/^exit \$LASTEXITCODE$/m)
})

test('neither sets a variable that the server reads', () => {
  for (const script of [shell, power]) {
    const code = script.replace(/^#.*$/gm, '')
    expect(code).not.toMatch(/WS_|\bPORT\b|ALLOWED_|\$env:|export /)
  }
})

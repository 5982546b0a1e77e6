// The examples as their users get them: a clean install of the built library, types, a build, and the trading
// platform in Chromium. Expects dist/ to be built.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as later } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

const CHROMIUM = '/usr/bin/chromium'

const folderOf = example => fileURLToPath(new URL(`../examples/${example}`, import.meta.url))

const run = (example, args) => {
  const cwd = folderOf(example)
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

/** 101 if a page of this origin is let in by the market server of the example. */
const upgrade = origin =>
  new Promise(resolve => {
    const socket = new WebSocket('ws://localhost:3001/ws', { origin })
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode))
    socket.on('error', () => resolve(undefined))
  })

/** A page on a port of its own is let in by the server that was started with it. */
const tryVuePort = async () => {
  const port = 3010
  console.log(`\nvue: vite --port ${port}`)
  const vite = spawn(process.execPath, ['node_modules/vite/bin/vite.js', '--port', `${port}`], {
    cwd: folderOf('vue'),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  let status
  for (let tries = 0; status === undefined && tries < 100; tries++) {
    await later(100)
    status = await upgrade(`http://localhost:${port}`)
  }
  vite.kill()
  if (status === 101) return
  console.error(`vue: a page on port ${port} is answered ${status} by the market server`)
  process.exit(1)
}

await tryVuePort()

if (existsSync(CHROMIUM)) run('trading-platform', ['run', 'test:e2e'])
else {
  const message = `${CHROMIUM} is missing, so the trading platform cannot be tested: apt-get install chromium`
  if (process.env.CI) throw new Error(message)
  console.warn(`\nSKIPPED: ${message}\n`)
}

/** The commands of the README, as their user types them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { expect, test } from './desk'
import { listenerOn } from './listener'
import { PORTS } from './ports'

const FOLDER = fileURLToPath(new URL('..', import.meta.url))
const MARKET = `ws://localhost:${PORTS.devServer}/ws`

interface Running {
  output(): string
  end(): Promise<void>
}

const running = new Set<ChildProcess>()

const interrupt = ({ pid }: ChildProcess): void => {
  if (pid !== undefined) process.kill(-pid, 'SIGINT')
}

const run = (command: string): Running => {
  const child = spawn(command, {
    cwd: FOLDER,
    shell: true,
    // A group of its own, as in a terminal: Ctrl-C goes to all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // As if nobody had set anything, but beside what is being developed, and looking for a WebSocket so seldom
      // that it is the polls that have to notice the market's return.
      NEXT_DIST_DIR: '.next-e2e',
      NEXT_PUBLIC_WS_PROBE_MS: '600000',
    },
  })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', words => {
      output += words
    })
  }
  return {
    output: () => output,
    async end() {
      running.delete(child)
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      interrupt(child)
      await gone
    },
  }
}

/** The HTTP status that a page of this origin gets for its upgrade; 101 if it is let in. */
const upgradeFrom = (origin: string): Promise<number | undefined> =>
  new Promise(resolve => {
    const socket = new WebSocket(MARKET, { origin })
    socket.on('open', () => {
      resolve(101)
      socket.close()
    })
    socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode))
    socket.on('error', () => resolve(undefined))
  })

test.afterEach(() => {
  for (const child of running) if (child.exitCode === null) interrupt(child)
  running.clear()
})

test('one command starts page and market; the page outlives the market, and its return', async ({
  desk,
}) => {
  test.setTimeout(120_000)
  const all = run(`PORT=${PORTS.devPage} WS_PORT=${PORTS.devServer} npm run dev`)
  // By the name under which the page does not know itself.
  await expect(async () => {
    await desk.page.goto(`http://127.0.0.1:${PORTS.devPage}/`)
  }).toPass({ timeout: 60_000 })
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)

  process.kill(listenerOn(PORTS.devServer) ?? Number.NaN, 'SIGKILL')
  // Prices go on before any of them is marked as old; used-up redials would take forty seconds.
  await desk.reaches('FALLBACK')
  await desk.moves('AAPL', 1)
  await desk.connectionPage()
  expect(await desk.fact('Redials since stable')).toMatch(/^[12]$/)
  await desk.page.getByRole('link', { name: 'Desk' }).click()

  // The words of the terminal are enough to go on.
  const [command] = /^.*npm run ws:server.*$/m.exec(all.output()) ?? []
  const market = run(String(command))
  await desk.reaches('OPEN')
  await desk.moves('AAPL', 1)
  expect(market.output()).toContain(`http://localhost:${PORTS.devPage}`)

  // Whoever is turned away reads why, without asking for it.
  expect(await upgradeFrom('http://elsewhere.test')).toBe(403)
  expect(market.output()).toContain('http://elsewhere.test')
  expect(market.output()).not.toContain('connected')

  await all.end()
  await market.end()
  await expect(() => {
    expect([listenerOn(PORTS.devPage), listenerOn(PORTS.devServer)]).toEqual([undefined, undefined])
  }).toPass({ timeout: 10_000 })
})

test('npm run ws:server:dev logs who comes and goes', async () => {
  const market = run(
    `WS_PORT=${PORTS.devServer} ALLOWED_ORIGINS=http://desk.test npm run ws:server:dev`,
  )
  await expect(async () => {
    expect(await upgradeFrom('http://desk.test')).toBe(101)
  }).toPass({ timeout: 20_000 })
  await expect(() => expect(market.output()).toMatch(/Client \S+ connected/)).toPass()
  await market.end()
  await expect(() => expect(listenerOn(PORTS.devServer)).toBeUndefined()).toPass()
})

test('a market server that cannot start ends the command, with the reason', async () => {
  const first = run(`WS_PORT=${PORTS.devServer} npm run ws:server`)
  await expect(() => expect(first.output()).toContain('WebSocket server on')).toPass()
  const second = run(`WS_PORT=${PORTS.devServer} npm run ws:server`)
  await expect(() => expect(second.output()).toContain('is taken')).toPass()
  await first.end()
})

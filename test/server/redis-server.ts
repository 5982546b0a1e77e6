import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createClient } from 'redis'

const FIRST_PORT = 45_000
const LAST_PORT = 45_999

const missing = spawnSync('redis-server', ['--version']).error !== undefined
if (missing && process.env['CI']) {
  throw new Error(
    'redis-server is missing: apt-get install -y --no-install-recommends redis-server',
  )
}
if (missing) {
  console.warn(
    'Tests with Redis are skipped: there is no redis-server (apt-get install redis-server)',
  )
}

/** Whether there is a Redis to test with. CI is not without one. */
export const hasRedis: boolean = !missing

export interface RedisServer {
  /** Without credentials. */
  readonly url: string
  readonly port: number
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it again on the same port, empty unless it keeps a file. */
  start(): Promise<void>
  /** It stands still, with its connections open. */
  pause(): void
  resume(): void
  /** One command, and what it answers. */
  command(...words: string[]): Promise<unknown>
  /** Kills it and removes its files. */
  end(): Promise<void>
}

const isFree = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  return new Promise(resolve => {
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

const pickPort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1))
    if (await isFree(port)) return port
  }
}

/** A Redis of this test alone. */
export const startRedis = async (...options: string[]): Promise<RedisServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'rws-redis-'))
  let port = 0
  let child: ChildProcess | undefined

  /** False if somebody else was faster on the port. */
  const run = async (): Promise<boolean> => {
    const words = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]
    const next = spawn('redis-server', [...words, ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child = next
    const ended = once(next, 'exit').then(() => false)
    const ready = new Promise<boolean>(resolve => {
      createInterface({ input: next.stdout }).on('line', line => {
        if (line.includes('Ready to accept connections')) resolve(true)
      })
    })
    return Promise.race([ready, ended])
  }

  do port = await pickPort()
  while (!(await run()))

  const kill = async (): Promise<void> => {
    const dying = child
    child = undefined
    if (!dying || dying.exitCode !== null) return
    const ended = once(dying, 'exit')
    dying.kill('SIGKILL')
    await ended
  }

  const url = `redis://127.0.0.1:${port}`
  return {
    url,
    port,
    kill,
    async start() {
      if (!(await run())) throw new Error(`redis-server did not start again on ${port}`)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async command(...words) {
      const at = options.indexOf('--requirepass')
      const client = createClient({
        url,
        ...(at >= 0 && { password: options[at + 1] as string }),
        socket: { reconnectStrategy: false },
      })
      client.on('error', () => {})
      await client.connect()
      try {
        return await client.sendCommand(words)
      } finally {
        client.destroy()
      }
    },
    async end() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

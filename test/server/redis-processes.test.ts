import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { ackOf, createBroker, createClient, greet, hello, order } from './redis-support.ts'
import { connect, startServer } from './support.ts'

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const folder = source('node_modules/.cache/redis-test/')
const execute = promisify(execFile)

const bundle = async (entry: string, outfile: string, external: string[]): Promise<void> => {
  await build({
    entryPoints: [source(entry)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external,
    // `ws` is CommonJS and asks for Node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
}

const script = (name: string, text: string): string => {
  const path = `${folder}${name}.mjs`
  writeFileSync(path, text)
  return path
}

const children: ChildProcess[] = []

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  /** The first match in what it says. */
  says(pattern: RegExp): Promise<RegExpExecArray>
}

const run = (path: string, args: string[] = [], env: Record<string, string> = {}): Running => {
  const child = spawn(process.execPath, [path, ...args], {
    env: { PATH: process.env['PATH'], ...env },
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  return {
    child,
    output: () => output,
    async says(pattern) {
      await expect.poll(() => output, { timeout: 10_000 }).toMatch(pattern)
      return pattern.exec(output) as RegExpExecArray
    },
  }
}

/** A server that says where it is, and what it begins to apply; `slow` is never done. */
const SERVER = `
import { createServer, RedisBroker } from './server.mjs'
const server = createServer({
  port: 0, host: '127.0.0.1', allowMissingOrigin: true,
  broker: new RedisBroker({ url: process.env.REDIS_URL }),
  async onMessage({ type, data }) {
    console.log('begun ' + data)
    if (type === 'slow') await new Promise(() => {})
    if (type === 'publish') await server.publish('A', { type: 'tick', data })
  },
})
console.log('listens on ' + (await server.listen()).url + ' ')
`

describe.skipIf(!hasRedis)('processes on one Redis', () => {
  let redis: RedisServer

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true })
    await bundle('src/server/index.ts', `${folder}server.mjs`, ['ws', 'nanoid', 'redis'])
    await bundle('src/cli/index.ts', `${folder}cli.mjs`, ['ws', 'nanoid', 'redis'])
    script('child', SERVER)
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await redis.command('FLUSHALL')
  })
  afterAll(() => redis.end())

  const startChild = async () => {
    const running = run(`${folder}child.mjs`, [], { REDIS_URL: redis.url })
    const [, url = ''] = await running.says(/listens on (\S+) /)
    return { ...running, url }
  }

  test('a server is killed: its client goes to another, and everything that it missed follows in order', async () => {
    const a = await startChild()
    const applied: unknown[] = []
    const b = await startServer({
      broker: createBroker(redis.url),
      onMessage: ({ data }) => void applied.push(data),
    })
    let url = a.url
    const { socket, gaps } = createClient(() => url)
    const heard: unknown[] = []
    await socket.subscribe('A', ({ data }) => heard.push(data)).ready
    for (const data of [1, 2, 3]) await socket.send({ type: 'publish', data }).settled
    await expect.poll(() => heard).toEqual([1, 2, 3])
    url = b.url
    a.child.kill('SIGKILL')
    await once(a.child, 'exit')
    for (const data of [4, 5, 6]) await b.publish('A', { type: 'tick', data })
    const { state } = await socket.send({ type: 'order', data: 'after' }).settled
    expect(state).toBe('acked')
    await b.publish('A', { type: 'tick', data: 7 })
    await expect.poll(() => heard).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(gaps).toEqual([])
    expect(applied).toEqual(['after'])
  })

  test('a server is killed while it applies: only when its lease is over another one applies that message', async () => {
    const applied: unknown[] = []
    const broker = createBroker(redis.url, { leaseMs: 2000 })
    const b = await startServer({ broker, onMessage: ({ data }) => void applied.push(data) })
    const [own] = (await redis.command('KEYS', 'rws:server:*')) as string[]
    const a = await startChild()
    const first = await greet(a.url, 1)
    first.peer.send({ ...order(1), type: 'slow' })
    await a.says(/begun 1/)
    a.child.kill('SIGKILL')
    await once(a.child, 'exit')
    const second = await connect(b.url)
    second.send(hello(2, first.welcome.tok))
    second.send(order(1))
    const [session = ''] = (await redis.command('KEYS', 'rws:session:*')) as string[]
    const owner = async () => `rws:server:${await redis.command('HGET', session, 'owner')}`
    await expect.poll(owner).toBe(own)
    // The rest of the lease, in less than its time.
    for (const key of (await redis.command('KEYS', 'rws:server:*')) as string[]) {
      if (key !== own) await redis.command('PEXPIRE', key, '300')
    }
    expect((await second.next('welcome')).data).toMatchObject({ ack: 0 })
    expect(await redis.command('KEYS', 'rws:server:*')).toEqual([own])
    await expect.poll(() => ackOf(second)).toBe(1)
    expect(applied).toEqual([1])
  })

  test.each([
    ['while Redis is there', ''],
    ['while Redis is away', 'away'],
  ])('a server that closes %s leaves nothing, and its process ends by itself', async (_, away) => {
    const path = script(
      `close-${away}`,
      `import { createServer, RedisBroker } from './server.mjs'
       const url = '${away ? 'redis://127.0.0.1:1' : redis.url}'
       const server = createServer({ port: 0, host: '127.0.0.1', broker: new RedisBroker({ url }) })
       await server.listen()
       await server.publish('A', { type: 'tick' }).then(() => console.log('published'), error => console.log(error.code))
       await server.close()`,
    )
    const { stdout } = await execute(process.execPath, [path], { timeout: 15_000 })
    expect(stdout.trim()).toBe(away || 'published')
    expect(await redis.command('KEYS', 'rws:server:*')).toEqual([])
  })

  test('without the package `redis` all else works, and a RedisBroker says what to install', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
    try {
      await bundle('src/server/index.ts', join(elsewhere, 'server.mjs'), ['redis'])
      writeFileSync(
        join(elsewhere, 'run.mjs'),
        `import { createServer, RedisBroker } from './server.mjs'
         const options = { port: 0, host: '127.0.0.1' }
         const plain = createServer(options)
         console.log((await plain.listen()).port > 0)
         await plain.close()
         const server = createServer({ ...options, broker: new RedisBroker({ url: 'redis://localhost' }) })
         await server.listen().catch(error => console.log(error.message))
         await server.close()`,
      )
      const { stdout } = await execute(process.execPath, [join(elsewhere, 'run.mjs')], {
        timeout: 15_000,
      })
      expect(stdout.trim().split('\n')).toEqual([
        'true',
        'RedisBroker needs the package `redis`: run `npm install redis`',
      ])
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  test('REDIS_URL makes servers from the command line one: the market of the first is heard on the second', async () => {
    const environment = { REDIS_URL: redis.url, WS_HOST: '127.0.0.1', ALLOW_MISSING_ORIGIN: '1' }
    const first = run(`${folder}cli.mjs`, ['serve', '0'], environment)
    await first.says(/WebSocket server on/)
    const second = run(`${folder}cli.mjs`, ['serve', '0', '--no-feed'], environment)
    const [, url = ''] = await second.says(/WebSocket server on (\S+)/)
    const peer = await connect(url)
    peer.send({ type: 'subscribe', data: { channels: ['AAPL'] } })
    expect(await peer.next('market_data')).toMatchObject({ channel: 'AAPL' })
    second.child.kill('SIGTERM')
    expect(await peer.closed).toMatchObject({ code: 1012 })
    expect(await once(second.child, 'exit')).toEqual([0, null])
  })

  test('a REDIS_URL that is none ends the command line with a message, without the password', async () => {
    const { child, output } = run(`${folder}cli.mjs`, ['serve', '0'], {
      REDIS_URL: 'http://me:secret@localhost',
    })
    expect(await once(child, 'close')).toEqual([1, null])
    expect(output().trim()).toBe(
      "REDIS_URL: expected 'redis://host:port' or 'rediss://host:port', got something else",
    )
  })
})

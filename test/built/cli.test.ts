import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Not the repository: everything starts from any folder. */
const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(elsewhere, { recursive: true }))

interface Run {
  readonly child: ChildProcess
  /** Resolves with the first line of output that matches. */
  says(pattern: RegExp): Promise<string>
  readonly exit: Promise<{ code: number | null; output: string }>
}

const run = (command: string, args: string[], environment: Record<string, string> = {}): Run => {
  const child = spawn(command, args, {
    cwd: elsewhere,
    env: { PATH: process.env['PATH'], WS_HOST: '127.0.0.1', ...environment },
  })
  children.push(child)
  let output = ''
  const looking = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', data => {
      output += data
      for (const look of looking) look()
    })
  }
  return {
    child,
    says: pattern =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = output.split('\n').find(each => pattern.test(each))
          if (line === undefined) return
          looking.delete(look)
          resolve(line)
        }
        looking.add(look)
        child.once('exit', () => reject(new Error(`ended without saying ${pattern}: ${output}`)))
        look()
      }),
    exit: once(child, 'close').then(([code]) => ({ code, output })),
  }
}

const STARTS: [name: string, command: string, args: string[]][] = [
  ['resilient-websocket serve', process.execPath, [`${root}dist/cli/index.js`, 'serve']],
  ['scripts/websocket-server.js', process.execPath, [`${root}scripts/websocket-server.js`]],
  ['scripts/start-websocket-server.sh', `${root}scripts/start-websocket-server.sh`, []],
]

/** Links beside nothing of the repository, as `npm link` and system folders have them. */
const link = (script: string): string => {
  const target = join(elsewhere, script)
  const between = `${target}.link`
  symlinkSync(`${root}scripts/${script}`, between)
  symlinkSync(`./${script}.link`, target)
  return target
}

STARTS.push(
  ['a link to start-websocket-server.sh', link('start-websocket-server.sh'), []],
  ['a link to websocket-server.js', process.execPath, [link('websocket-server.js')]],
)

const portIn = (line: string): number => Number(/:(\d+)\//.exec(line)?.[1])

describe.each(STARTS)('%s, from another folder', (_, command, args) => {
  test('listens on the port of its argument, serves prices, and ends with 0 on SIGTERM', async () => {
    const server = run(command, [...args, '0'], { WS_PORT: '1', WS_DRAIN_MS: '0' })
    const port = portIn(await server.says(/WebSocket server on/))
    expect(port).toBeGreaterThan(1)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin: 'http://localhost:3000' })
    const heard = new Promise(resolve =>
      socket.on('message', data => {
        const { type } = JSON.parse(String(data))
        if (type === 'market_data') resolve(type)
      }),
    )
    await once(socket, 'open')
    socket.send('{"type":"subscribe","data":{"symbols":["AAPL","GOOGL","MSFT"]}}')
    expect(await heard).toBe('market_data')
    const closed = once(socket, 'close')
    server.child.kill('SIGTERM')
    expect((await closed)[0]).toBe(1012)
    expect((await server.exit).code).toBe(0)
  })

  test('takes its port from WS_PORT, which it does not overwrite', async () => {
    const probe = run(command, [...args, '0'])
    const port = portIn(await probe.says(/WebSocket server on/))
    probe.child.kill('SIGTERM')
    await probe.exit
    const server = run(command, args, { WS_PORT: String(port), PORT: '1' })
    expect(portIn(await server.says(/WebSocket server on/))).toBe(port)
    server.child.kill('SIGINT')
    expect((await server.exit).code).toBe(0)
  })
})

test('--version says the version of the package', async () => {
  const { code, output } = await run(process.execPath, [`${root}dist/cli/index.js`, '--version'])
    .exit
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  expect([code, output]).toEqual([0, `${version}\n`])
})

test('a program is refused with the argument that would let it in, and let in with it', async () => {
  const serve = [`${root}dist/cli/index.js`, 'serve', '0', '--no-feed']
  const strict = run(process.execPath, serve)
  const refusing = portIn(await strict.says(/WebSocket server on/))
  const socket = new WebSocket(`ws://127.0.0.1:${refusing}/ws`)
  await once(socket, 'error')
  expect(await strict.says(/Blocked connection/)).toContain('--allow-missing-origin')
  const open = run(process.execPath, [...serve, '--allow-missing-origin'])
  const port = portIn(await open.says(/WebSocket server on/))
  const other = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  await once(other, 'open')
  other.terminate()
})

describe('a mistake ends it with a message that names it and a status that is not 0', () => {
  const serve = (args: string[], environment = {}) =>
    run(process.execPath, [`${root}dist/cli/index.js`, 'serve', ...args], environment).exit

  test('a bad port', async () => {
    const { code, output } = await serve(['eighty'])
    expect(code).toBe(1)
    expect(output).toContain("expected a port from 0 to 65535, got 'eighty'")
  })

  test('a taken port', async () => {
    const first = run(process.execPath, [`${root}dist/cli/index.js`, 'serve', '0'])
    const port = portIn(await first.says(/WebSocket server on/))
    const { code, output } = await serve([String(port)])
    expect(code).toBe(1)
    expect(output).toContain(`Port ${port}`)
    expect(output).toContain('is taken')
  })

  test('a missing recording', async () => {
    const { code, output } = await serve(['0', '--replay', 'nowhere.ndjson'])
    expect(code).toBe(1)
    expect(output).toContain('nowhere.ndjson')
  })

  test('an origin that is none', async () => {
    const { code, output } = await serve(['0', '--origin', 'example.com'])
    expect(code).toBe(1)
    expect(output).toContain("--origin: expected origins such as 'https://example.com'")
    expect(output).toContain("got 'example.com'")
    expect(output).not.toContain('    at ')
  })

  test.each(['no-such-host.invalid', '203.0.113.9', 'a b'])(
    'a host that is none of this machine: %s',
    async host => {
      const { code, output } = await serve(['0', '--no-feed', '--host', host])
      expect(code).toBe(1)
      expect(output).toContain('--host')
      expect(output).toContain(host)
      expect(output).not.toContain('    at ')
    },
  )

  test('a recording where nothing is to be published', async () => {
    const { code, output } = await serve(['0', '--no-feed', '--replay', process.execPath])
    expect(code).toBe(1)
    expect(output).toContain('--no-feed and --replay')
  })
})

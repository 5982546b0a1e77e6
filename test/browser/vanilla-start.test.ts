/** `npm start` from outside: what it takes, what it says, how it ends. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { runDemo, startDemo } from './demo.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

describe('starting the demo', () => {
  it.each([
    ['--port', 'Port PORT is taken: end what listens there, or choose another with --port'],
    [
      '--server-port',
      'Port PORT is taken: end what listens there, or choose another with --server-port',
    ],
    [
      '--proxy-port',
      'Port PORT is taken: end what listens there, or choose another with --proxy-port',
    ],
  ])('names a taken %s and ends with a failure', async (option, words) => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(done => other.once('listening', done))
    const { port } = other.address() as { port: number }
    const free = ['--port', '0', '--server-port', '0', '--proxy-port', '0']
    const { code, stderr } = await runDemo(...free, option, `${port}`)
    expect({ code, stderr: stderr.trim() }).toEqual({
      code: 1,
      stderr: words.replace('PORT', `${port}`),
    })
    await new Promise(done => other.close(done))
  })

  it.each([
    [['--port', 'x'], '--port: expected a port from 0 to 65535, got x'],
    [['--speed', '0'], '--speed: expected a number > 0, got 0'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['--port', '0', '--server-port', '0', '--replay', '/no/such/file'], '/no/such/file'],
  ])('says what is wrong with %s', async (args, words) => {
    const { code, stderr } = await runDemo(...args)
    expect(code).toBe(1)
    expect(stderr).toContain(words)
  })

  it('npm start says that it builds, before it does', async () => {
    const { scripts } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8'))
    expect(scripts.start).toBe('node scripts/start.mjs --build')
    const build = (script: string): Promise<{ stdout: string; stderr: string }> =>
      promisify(execFile)(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `const { buildLibrary } = await import('./scripts/demo/build.mjs')
         await buildLibrary(console.log, ['-e', ${JSON.stringify(script)}])`,
        ],
        { cwd: ROOT },
      )
    const { stdout } = await build('console.log("built")')
    expect(stdout).toBe('Building the library, which takes about half a minute ...\nbuilt\n')
    await expect(build('process.exit(1)')).rejects.toThrow('The library could not be built')
  })

  it('says that it builds the page, before the page is there', async () => {
    const demo = await startDemo()
    const { stdout } = await demo.stop()
    expect(stdout).toMatch(/^Building the page \.\.\.\n\s+Open http/)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends everything', async signal => {
    const demo = await startDemo()
    const client = new WebSocket(demo.serverUrl, { origin: demo.url })
    await once(client, 'open')
    demo.process.kill(signal)
    expect(await demo.exit).toMatchObject({ code: 0, stderr: '' })
    await expect(fetch(demo.url)).rejects.toThrow()
  })

  it('ends when npm is told to end, which reaches only the shell between them', async () => {
    const script = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url))
    const command = `"${process.execPath}" "${script}" --port 0 --server-port 0; true`
    const shell = spawn('sh', ['-c', command], {
      env: { ...process.env, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    await new Promise<void>(resolve => {
      shell.stdout.on('data', text => {
        said += text
        if (said.includes('Ctrl-C')) resolve()
      })
    })
    // Its output ends with the last process that writes to it.
    const ended = once(shell.stdout, 'close')
    shell.kill('SIGTERM')
    await ended
    const [url = ''] = /http:\S+/.exec(said) ?? []
    await expect(fetch(url)).rejects.toThrow()
  })
})

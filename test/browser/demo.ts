/** Starts the demo the way a visitor does: as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url))

export interface Exit {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Demo {
  /** `http://localhost:PORT` */
  readonly url: string
  readonly port: number
  /** The companion server's own WebSocket, past the proxy. */
  readonly serverUrl: string
  readonly process: ChildProcess
  readonly exit: Promise<Exit>
  stop(): Promise<Exit>
}

const run = (
  args: readonly string[],
): { child: ChildProcess; output: Exit; exit: Promise<Exit> } => {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { code: null as number | null, stdout: '', stderr: '' }
  child.stdout?.on('data', text => {
    output.stdout += text
  })
  child.stderr?.on('data', text => {
    output.stderr += text
  })
  const exit = once(child, 'close').then(([code]) => ({ ...output, code }))
  return { child, output, exit }
}

/** For a start that is expected to fail. */
export const runDemo = (...args: string[]): Promise<Exit> => run(args).exit

export const startDemo = async (...args: string[]): Promise<Demo> => {
  const { child, output, exit } = run(['--port', '0', '--server-port', '0', ...args])
  const ready = new Promise<void>(resolve => {
    child.stdout?.on('data', () => {
      if (output.stdout.includes('Ctrl-C')) resolve()
    })
  })
  const failed = exit.then(({ code, stderr }) => {
    throw new Error(`The demo ended with ${code}: ${stderr}`)
  })
  await Promise.race([ready, failed])
  failed.catch(() => {})
  const url = /Open (http:\S+)/.exec(output.stdout)?.[1] ?? ''
  return {
    url,
    port: Number(new URL(url).port),
    serverUrl: /listens on (ws:[^\s,]+)/.exec(output.stdout)?.[1] ?? '',
    process: child,
    exit,
    stop() {
      child.kill('SIGTERM')
      return exit
    },
  }
}

/** The market server as a process of its own, so that it can be killed for real. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PAGE_URL, PORTS, SERVER_URL } from './ports'

const MAIN = fileURLToPath(new URL('../server/main.mjs', import.meta.url))

export interface Market {
  /** Resolves when it listens. */
  start(environment?: Record<string, string>): Promise<void>
  /** SIGKILL: no farewell, and all that it had in its memory is gone. */
  kill(): Promise<void>
}

export const createMarket = (): Market => {
  let child: ChildProcess | undefined
  return {
    async start(environment = {}) {
      const started = spawn(process.execPath, [MAIN], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          WS_PORT: String(PORTS.server),
          WS_HOST: '127.0.0.1',
          ALLOWED_ORIGINS: PAGE_URL,
          ...environment,
        },
      })
      child = started
      const [first] = await Promise.race([once(started.stdout, 'data'), once(started, 'exit')])
      if (!String(first).startsWith('WebSocket server on')) throw new Error(`No market: ${first}`)
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** The newest offset and price of a symbol, asked past the proxy: what the page ought to know. */
export const newestOf = async (symbol: string): Promise<{ offset: number; price: number }> => {
  const response = await fetch(`${SERVER_URL}/api/market/snapshot?symbols=${symbol}`)
  const { data } = (await response.json()) as {
    data: { offset: number; data: { price: number } }[]
  }
  const [newest] = data
  if (!newest) throw new Error(`Nobody has quoted ${symbol}`)
  return { offset: newest.offset, price: newest.data.price }
}

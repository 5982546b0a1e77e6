import type { ResilientWebSocketOptions } from 'resilient-websocket'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'

export interface Page {
  readonly network: FakeNetwork
  /** For every hook of the test: they share what has this URL and this environment. */
  readonly options: Pick<ResilientWebSocketOptions, 'url' | 'environment'>
  /** Sockets that the page holds. */
  live(): number
  accept(): void
  receive(type: string, data?: unknown, more?: object): void
  /** A macrotask of the page passes. */
  macrotask(): Promise<void>
}

let pages = 0

export const createPage = (): Page => {
  const network = createFakeNetwork()
  return {
    network,
    options: { url: `ws://page-${++pages}/ws`, environment: network.environment },
    live: () => network.sockets.filter(each => each.listeners() > 0).length,
    accept() {
      network.socket().open()
      network.socket().receive({ type: 'connection', data: {} })
    },
    receive: (type, data, more = {}) => network.socket().receive({ type, data, ...more }),
    macrotask: () => new Promise(resolve => setTimeout(resolve, 2)),
  }
}

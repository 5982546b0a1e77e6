/** A page with the indicator on it, a network and a clock in the hands of the test. */
import {
  createResilientWebSocket,
  type IncomingEnvelope,
  type OutgoingEnvelope,
  type ResilientWebSocket,
  type ResilientWebSocketOptions,
} from 'resilient-websocket'
import type { ConnectionStatusElement } from 'resilient-websocket/indicator'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { afterEach, beforeEach, vi } from 'vitest'

export interface Shown {
  readonly network: FakeNetwork
  readonly socket: ResilientWebSocket<IncomingEnvelope, OutgoingEnvelope>
  readonly element: ConnectionStatusElement
  /** What a part says, or '' if it is not to be seen. */
  part(name: string): string
  button(name: string): HTMLButtonElement
  /** What a screen reader was told last. */
  spoken(): string
  /** The newest socket opens, and a plain server greets. */
  accept(): void
  /** Time passes for client and page. */
  advance(ms: number): Promise<void>
}

const begun: Shown[] = []

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_700_000_000_000 })
})

afterEach(() => {
  for (const { element, socket } of begun.splice(0)) {
    element.remove()
    socket.close()
  }
  vi.useRealTimers()
})

export const show = (
  options: ResilientWebSocketOptions<IncomingEnvelope, OutgoingEnvelope> = {},
): Shown => {
  const network = createFakeNetwork()
  const socket = createResilientWebSocket({
    reconnect: { jitter: 0 },
    ...options,
    environment: network.environment,
  })
  const element = document.createElement('connection-status')
  element.client = socket
  document.body.append(element)
  const find = (selector: string): HTMLElement => {
    const found = element.shadowRoot?.querySelector<HTMLElement>(selector)
    if (!found) throw new Error(`There is no ${selector}`)
    return found
  }
  const shown: Shown = {
    network,
    socket,
    element,
    part: name => {
      const found = element.shadowRoot?.querySelector<HTMLElement>(`[part=${name}]`)
      return found && !found.hidden ? (found.textContent ?? '') : ''
    },
    button: name => find(`button[part=${name}]`) as HTMLButtonElement,
    spoken: () => find('[role=status]').textContent ?? '',
    accept() {
      network.socket().open()
      network.socket().receive({ type: 'connection', data: {} })
    },
    async advance(ms) {
      for (let passed = 0; passed < ms; passed += 100) {
        await network.clock.advance(100)
        vi.advanceTimersByTime(100)
      }
    },
  }
  begun.push(shown)
  return shown
}

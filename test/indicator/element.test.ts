// @vitest-environment happy-dom
import { createResilientWebSocket, type ResilientWebSocket } from 'resilient-websocket'
import 'resilient-websocket/indicator'
import type { ConnectionStatusElement } from 'resilient-websocket/indicator'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

let network: FakeNetwork
let socket: ResilientWebSocket
let badge: ConnectionStatusElement

const part = (name: string): HTMLElement =>
  badge.shadowRoot?.querySelector(`[part=${name}]`) as HTMLElement
const live = (): string => badge.shadowRoot?.querySelector('[role=status]')?.textContent ?? ''
const color = (): string => badge.shadowRoot?.querySelector('.row')?.className ?? ''

/** Time passes for the client and for the page. */
const passes = async (ms: number): Promise<void> => {
  await network.clock.advance(ms)
  await vi.advanceTimersByTimeAsync(ms)
}

const accept = async (): Promise<void> => {
  network.socket().open()
  network.socket().receive({ type: 'connection', data: {} })
  await passes(1)
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  })
  vi.setSystemTime(1_700_000_000_000)
  network = createFakeNetwork()
  socket = createResilientWebSocket({
    environment: network.environment,
    reconnect: { maxAttempts: 1, jitter: 0 },
  }) as ResilientWebSocket
  badge = document.createElement('connection-status')
  badge.client = socket
  document.body.append(badge)
})

afterEach(() => {
  badge.remove()
  socket.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('shows colour, words and a button, and goes with the status', async () => {
  expect([color(), part('label').textContent]).toEqual(['row yellow', 'Connecting'])
  expect(part('retry').hidden).toBe(false)
  await accept()
  expect([color(), part('label').textContent]).toEqual(['row green', 'Connected'])
  expect(part('retry').hidden).toBe(true)
  network.onDial = dialed => queueMicrotask(() => dialed.fail())
  network.socket().close(1006)
  await passes(1)
  expect([color(), part('countdown').textContent]).toEqual(['row yellow', 'next try in 2 s (1/1)'])
  await passes(2000)
  await passes(1)
  expect([color(), part('label').textContent]).toEqual(['row blue', 'Limited connection'])
  expect(part('countdown').textContent).toMatch(/^next try in (2\d|3\d) s$/)
  socket.disconnect()
  await passes(1)
  expect([color(), part('countdown').textContent]).toEqual(['row red', ''])
  expect(badge.dataset['status']).toBe('CLOSED')
})

test('announces only changes that last', async () => {
  await accept()
  await passes(1000)
  expect(live()).toBe('Connected')
  network.socket().close(1006)
  await passes(500)
  socket.reconnect()
  await accept()
  await passes(2000)
  expect(live()).toBe('Connected')
  socket.disconnect()
  await passes(999)
  expect(live()).toBe('Connected')
  await passes(2)
  expect(live()).toBe('Disconnected')
})

test('countdown and age of the data are outside the live region', async () => {
  await accept()
  network.socket().receive({ type: 'tick' })
  await passes(6000)
  expect(part('age').textContent).toBe('last data 6 s ago')
  expect(live()).not.toMatch(/\d/)
  network.socket().receive({ type: 'tick' })
  await passes(1000)
  expect(part('age').textContent).toBe('')
})

test('"Try now" dials', async () => {
  await accept()
  network.socket().close(1006)
  await passes(1)
  const { length } = network.sockets
  part('retry').click()
  expect(network.sockets).toHaveLength(length + 1)
})

describe('details', () => {
  const open = async (): Promise<HTMLElement> => {
    part('badge').click()
    await passes(1)
    return part('details')
  }

  test('open and close, by keyboard too', async () => {
    const details = await open()
    expect(details.hidden).toBe(false)
    expect(part('badge').getAttribute('aria-expanded')).toBe('true')
    details.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
    expect(details.hidden).toBe(true)
    await open()
    document.body.dispatchEvent(new Event('pointerdown', { bubbles: true, composed: true }))
    expect(details.hidden).toBe(true)
  })

  test('last error with a hint, round trip, queue and history', async () => {
    await accept()
    network.socket().close(1006)
    socket.send({ type: 'order' })
    await passes(1)
    const { textContent } = await open()
    expect(textContent).toContain('Connection lost: 1006')
    expect(textContent).toContain('The server is not reachable from here')
    expect(textContent).toContain('Waiting to be sent1')
    expect(textContent).toContain('OPEN > RECONNECTING (Connection lost)')
    expect(textContent).toContain('not measured yet')
  })

  test('copies diagnostics without messages, session and token', async () => {
    await accept()
    network.socket().receive({ type: 'secret', data: 'of the user' })
    let copied = ''
    vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue({
      writeText: async (text: string) => {
        copied = text
      },
    } as Clipboard)
    const details = await open()
    const button = details.querySelector('button') as HTMLButtonElement
    button.click()
    await passes(0)
    expect(button.textContent).toBe('Copied')
    const report = JSON.parse(copied)
    expect(report.history).toHaveLength(2)
    expect(report.snapshot).toMatchObject({ status: 'OPEN' })
    expect(copied).not.toMatch(/of the user|sessionId/)
  })
})

test('renders once, however often the client changes', async () => {
  await accept()
  const watched = vi.spyOn(socket, 'getSnapshot')
  for (let n = 0; n < 1000; n++) network.socket().receive({ type: 'tick', data: n })
  await passes(1)
  expect(watched.mock.calls.length).toBeLessThan(10)
})

test('takes another client, words, and none', async () => {
  badge.strings = { connecting: 'Verbinde' }
  expect(part('label').textContent).toBe('Verbinde')
  badge.client = undefined
  expect(badge.shadowRoot?.querySelector('.row')?.hasAttribute('hidden')).toBe(true)
  expect(() => {
    badge.client = {} as never
  }).toThrow(/expected a client/)
})

test('listens to nothing when it is off the page, and again when it is back', async () => {
  badge.remove()
  await accept()
  expect(part('label').textContent).toBe('Connecting')
  document.body.append(badge)
  expect(part('label').textContent).toBe('Connected')
})

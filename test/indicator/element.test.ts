// @vitest-environment happy-dom
import type { IncomingEnvelope } from 'resilient-websocket'
import {
  ConnectionStatusElement,
  defineConnectionStatus,
  ENGLISH,
} from 'resilient-websocket/indicator'
import { expect, test, vi } from 'vitest'
import { show } from './support.ts'

const tick = (n: number): IncomingEnvelope => ({ type: 'tick', data: n, id: `t${n}` })

test('without a client it shows nothing, and with one it opens nothing', () => {
  const element = document.createElement('connection-status')
  document.body.append(element)
  expect(element.dataset['status']).toBeUndefined()
  element.remove()
  const { network, part } = show({ enabled: false })
  expect(part('label')).toBe('Disconnected')
  expect(network.sockets).toHaveLength(0)
})

test('colour, words and shape follow the status at once', async () => {
  const { element, part, accept, network, advance } = show({ reconnect: { maxAttempts: 0 } })
  const shape = (): string | null | undefined =>
    element.shadowRoot?.querySelector('[part=icon] path')?.getAttribute('d')
  const seen = (): unknown[] => [element.dataset['color'], part('label'), part('retry')]
  const shapes = new Set([shape()])
  expect(seen()).toEqual(['yellow', 'Connecting', 'Try now'])
  accept()
  shapes.add(shape())
  expect(seen()).toEqual(['green', 'Connected', ''])
  network.socket().close(1006)
  shapes.add(shape())
  expect(seen()).toEqual(['blue', 'Fallback mode', 'Try now'])
  element.client?.disconnect()
  shapes.add(shape())
  expect(seen()).toEqual(['red', 'Disconnected', 'Try now'])
  element.client?.connect()
  await advance(0)
  network.socket().close(4403)
  shapes.add(shape())
  expect(seen()).toEqual(['red', 'Connection error', 'Try now'])
  expect(shapes.size).toBe(5)
})

test('a change is announced once it has lasted a second; one undone sooner is not', async () => {
  const { spoken, accept, network, advance, part } = show({
    reconnect: { initialDelayMs: 200, jitter: 0 },
  })
  expect(spoken()).toBe('Connecting')
  accept()
  await advance(900)
  expect(spoken()).toBe('Connecting')
  await advance(100)
  expect(spoken()).toBe('Connected')

  const said: string[] = []
  const region = document
    .querySelector('connection-status')
    ?.shadowRoot?.querySelector('[role=status]')
  const observer = new MutationObserver(() => said.push(region?.textContent ?? ''))
  observer.observe(region as Node, { childList: true, characterData: true, subtree: true })
  network.socket().close(1006)
  expect(part('label')).toBe('Reconnecting')
  await advance(300)
  accept()
  await advance(5000)
  expect(spoken()).toBe('Connected')
  network.socket().close(1006)
  await advance(1000)
  expect(spoken()).toBe('Reconnecting')
  await Promise.resolve()
  expect(said).toEqual(['Reconnecting'])
})

test('countdown and age are told, but not announced', async () => {
  const { part, accept, network, advance, element } = show()
  accept()
  expect(part('age')).toBe('')
  network.socket().receive(tick(1))
  await advance(1000)
  expect(part('age')).toBe('up to date')
  await advance(3000)
  expect(part('age')).toBe('data 4 s old')
  network.socket().close(1006)
  expect(part('countdown')).toBe('next try in 2 s (1/5)')
  await advance(1000)
  expect(part('countdown')).toBe('next try in 1 s (1/5)')
  await advance(1000)
  expect(part('countdown')).toBe('')
  const region = element.shadowRoot?.querySelector('[role=status]')
  expect(region?.querySelectorAll('*').length).toBe(0)
  expect(region?.contains(element.shadowRoot?.querySelector('[part=countdown]') as Node)).toBe(
    false,
  )
})

test('while polling the countdown tells the next try of the WebSocket, without a number', async () => {
  const { part, network, advance } = show({ reconnect: { maxAttempts: 0 } })
  network.socket().fail()
  await advance(0)
  expect(part('countdown')).toBe('next try in 30 s')
})

test('"Try now" dials now; when it goes, whoever pressed it is not lost', async () => {
  const { button, network, accept, element, advance } = show()
  accept()
  network.socket().close(1006)
  await advance(500)
  button('retry').focus()
  button('retry').click()
  expect(network.sockets).toHaveLength(2)
  accept()
  expect(button('retry').hidden).toBe(true)
  expect(element.shadowRoot?.activeElement).toBe(button('details-button'))
})

test('messages cost no drawing', async () => {
  const { element, accept, network, advance } = show()
  accept()
  await advance(2000)
  let changes = 0
  const observer = new MutationObserver(records => {
    changes += records.length
  })
  observer.observe(element.shadowRoot as ShadowRoot, {
    childList: true,
    characterData: true,
    attributes: true,
    subtree: true,
  })
  for (let n = 0; n < 1000; n++) network.socket().receive(tick(n))
  await Promise.resolve()
  expect(changes).toBe(0)
})

test('details on demand: error with a hint, round trips, queue, history', async () => {
  const { button, part, element, network, accept, advance, socket } = show({
    heartbeat: { intervalMs: 1000 },
  })
  const panel = element.shadowRoot?.querySelector<HTMLElement>('[part=details]')
  expect(panel?.textContent).toBe('')
  accept()
  for (const latencyMs of [20, 60]) {
    await advance(1000)
    const ping = network.socket().messages().at(-1)
    await network.clock.advance(latencyMs)
    network.socket().receive({ type: 'pong', data: ping?.['data'], replyTo: ping?.['id'] })
  }
  network.socket().close(1006, 'gone')
  socket.send({ type: 'order' })
  button('details-button').click()
  expect(button('details-button').getAttribute('aria-expanded')).toBe('true')
  expect(part('detail')).toBe(ENGLISH.details.RECONNECTING)
  expect(part('error')).toBe('Connection lost: 1006 gone')
  expect(part('hint')).toBe(ENGLISH.hints['LOST'])
  expect(part('queued')).toBe('1')
  const line = element.shadowRoot?.querySelector('[part=sparkline]')
  expect(line?.getAttribute('aria-label')).toBe('Round trip: 60 ms, between 20 and 60 ms')
  expect(line?.querySelector('polyline')?.getAttribute('points')?.split(' ')).toHaveLength(2)
  const history = [...(element.shadowRoot?.querySelectorAll('[part=history] li span') ?? [])]
  expect(history.map(({ textContent }) => textContent)).toEqual([
    'Reconnecting: Connection lost',
    'Connected',
    'Connecting',
  ])

  // The error stays in sight after the connection is back.
  await advance(2000)
  accept()
  await advance(1000)
  expect(part('error')).toBe('Connection lost: 1006 gone')

  panel?.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, composed: true }),
  )
  expect(button('details-button').getAttribute('aria-expanded')).toBe('false')
  expect(element.shadowRoot?.activeElement).toBe(button('details-button'))
})

test('a click elsewhere closes the details, a click inside does not', () => {
  const { button, element } = show()
  const expanded = (): string | null => button('details-button').getAttribute('aria-expanded')
  button('details-button').click()
  button('copy').dispatchEvent(new Event('pointerdown', { bubbles: true, composed: true }))
  expect(expanded()).toBe('true')
  document.body.dispatchEvent(new Event('pointerdown', { bubbles: true, composed: true }))
  expect(expanded()).toBe('false')
  expect(element.isConnected).toBe(true)
})

test('diagnostics are copied: how it went, nothing of what was said', async () => {
  const { button, accept, network } = show({ url: 'ws://host.test/ws?token=secret' })
  accept()
  network.socket().receive({ type: 'private', data: 'secret' })
  const writeText = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
  button('details-button').click()
  button('copy').click()
  await Promise.resolve()
  const text = writeText.mock.calls[0]?.[0] ?? ''
  expect(JSON.parse(text)).toMatchObject({
    status: 'OPEN',
    phase: 'ready',
    history: [{ to: 'CONNECTING' }, { to: 'OPEN' }],
    metrics: { message: 1 },
  })
  expect(text).not.toContain('secret')
  expect(button('copy').textContent).toBe('Copied')
  writeText.mockRestore()
})

test('without a clipboard the text is there to be copied by hand', async () => {
  const { button, element } = show()
  const writeText = vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('no'))
  button('details-button').click()
  button('copy').click()
  await Promise.resolve()
  await Promise.resolve()
  expect(element.shadowRoot?.querySelector('textarea')?.value).toContain('"status": "CONNECTING"')
  writeText.mockRestore()
})

test('strings are replaceable, in part', () => {
  const { element, part } = show()
  element.strings = { labels: { ...ENGLISH.labels, CONNECTING: 'Verbinde' }, tryNow: 'Jetzt' }
  expect([part('label'), part('retry'), part('details-button')]).toEqual([
    'Verbinde',
    'Jetzt',
    'Details',
  ])
})

test('another client is shown in place of the first; null shows nothing', () => {
  const first = show()
  first.accept()
  const second = show()
  first.element.client = second.socket
  expect(first.part('label')).toBe('Connecting')
  first.network.socket().close(1006)
  expect(first.part('label')).toBe('Connecting')
  first.element.client = null
  expect(first.element.dataset['status']).toBeUndefined()
})

test('a client set before the element was upgraded is taken over', () => {
  const { socket } = show()
  const element = document.createElement('connection-status')
  // What a page does with an element that is not defined yet.
  Object.defineProperty(element, 'client', { value: socket, configurable: true, writable: true })
  document.body.append(element)
  expect(element.dataset['status']).toBe('CONNECTING')
  expect(Object.hasOwn(element, 'client')).toBe(false)
  element.remove()
})

test('what is no client is refused in words', () => {
  const element = document.createElement('connection-status')
  expect(() => {
    element.client = 'ws://x' as never
  }).toThrow(
    'connection-status.client: expected what createResilientWebSocket() returns, got string',
  )
})

test('removed from the page it holds no timer and hears nothing; put back it goes on', () => {
  const { element, part, accept } = show()
  element.remove()
  expect(vi.getTimerCount()).toBe(0)
  accept()
  document.body.append(element)
  expect(part('label')).toBe('Connected')
})

test('defining it again does nothing', () => {
  defineConnectionStatus()
  expect(customElements.get('connection-status')).toBe(ConnectionStatusElement)
})

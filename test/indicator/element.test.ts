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
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
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

test.each([
  [119, 'last data 119 s ago'],
  [120, 'last data 2 min ago'],
  [5423, 'last data 90 min ago'],
  [7200, 'last data 2 h ago'],
])('data of %i s ago: %s', async (seconds, words) => {
  socket.close()
  badge.remove()
  const now = Date.now()
  const snapshot = { ...socket.getSnapshot(), lastMessageAt: now - seconds * 1000 }
  badge.client = { ...socket, getSnapshot: () => snapshot } as ResilientWebSocket
  document.body.append(badge)
  expect(part('age').textContent).toBe(words)
})

test('the count is there for an element that comes in mid-wait', async () => {
  network.socket().close(1006)
  await passes(1)
  const late = document.createElement('connection-status')
  late.client = socket
  document.body.append(late)
  expect(late.shadowRoot?.querySelector('[part=countdown]')?.textContent).toBe(
    'next try in 2 s (1/1)',
  )
  late.remove()
})

test('while it dials, the count is in the detail', async () => {
  network.socket().close(1006)
  await passes(1)
  expect(part('detail').textContent).toBe('')
  await passes(2001)
  expect(part('countdown').textContent).toBe('')
  expect(part('detail').textContent).toBe('Attempt 1 of 1')
})

test('without a fallback it goes on trying, and counts no 2 of 1', async () => {
  const alone = createResilientWebSocket({
    environment: network.environment,
    reconnect: { maxAttempts: 1, jitter: 0 },
    fallback: false,
  }) as ResilientWebSocket
  badge.client = alone
  network.onDial = dialed => queueMicrotask(() => dialed.fail())
  network.socket().close(1006)
  await passes(1)
  expect(part('countdown').textContent).toBe('next try in 2 s (1/1)')
  await passes(2001)
  expect(alone.getSnapshot().attempt).toBe(2)
  expect(part('countdown').textContent).toMatch(/^next try in \d+ s$/)
  alone.close()
})

test('a client that was closed for good cannot be tried', async () => {
  await accept()
  socket.close()
  await passes(1)
  expect(color()).toBe('row red')
  expect(part('retry').hidden).toBe(true)
  // Whoever comes later, and found it CLOSED before that already, learns it from the click.
  const closed = createResilientWebSocket({ environment: network.environment, enabled: false })
  badge.client = closed as ResilientWebSocket
  closed.close()
  expect(part('retry').hidden).toBe(false)
  part('retry').click()
  expect(part('retry').hidden).toBe(true)
  const open = createResilientWebSocket({ environment: network.environment, enabled: false })
  badge.client = open as ResilientWebSocket
  expect(part('retry').hidden).toBe(false)
  open.close()
})

test('another client: what is announced is what is shown', async () => {
  await accept()
  socket.disconnect()
  await passes(1001)
  expect(live()).toBe('Disconnected')
  const others = createFakeNetwork()
  const other = createResilientWebSocket({ environment: others.environment })
  others.socket().open()
  others.socket().receive({ type: 'connection', data: {} })
  badge.client = other as ResilientWebSocket
  expect(part('label').textContent).toBe('Connected')
  expect(live()).toBe('')
  await passes(1001)
  expect(live()).toBe('Connected')
  other.close()
})

test('a connection that keeps changing is called unstable, once, and then what it came to', async () => {
  await accept()
  await passes(1000)
  expect(live()).toBe('Connected')
  const heard: string[] = []
  for (let cuts = 0; cuts < 24; cuts++) {
    network.socket().close(1006)
    await passes(1)
    socket.reconnect()
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    await passes(500)
    if (heard.at(-1) !== live()) heard.push(live())
  }
  await passes(1001)
  heard.push(live())
  expect(heard).toEqual(['Connected', 'The connection is unstable', 'Connected'])
})

describe('a clock that is set', () => {
  test('back by an hour: the countdown goes on', async () => {
    network.socket().close(1006)
    await passes(1)
    expect(part('countdown').textContent).toBe('next try in 2 s (1/1)')
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(1000)
    expect(part('countdown').textContent).toBe('next try in 1 s (1/1)')
  })

  test('back by an hour: the data keeps its age', async () => {
    await accept()
    network.socket().receive({ type: 'tick' })
    await passes(6000)
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(1000)
    expect(part('age').textContent).toBe('last data 7 s ago')
  })
})

test('on the fallback it does not speak of slow updates while none comes', async () => {
  network.onDial = dialed => queueMicrotask(() => dialed.fail())
  network.onRequest = request => request.answer({ data: [] })
  await accept()
  network.socket().close(1006)
  await passes(2001)
  await passes(1)
  expect(part('detail').textContent).toBe('Live updates are slower than usual')
  network.onRequest = request => request.fail()
  await passes(5001)
  expect(part('detail').textContent).toBe('No data comes: the server does not answer')
  network.onRequest = request => request.answer({ data: [] })
  await passes(5001)
  expect(part('detail').textContent).toBe('Live updates are slower than usual')
})

test('nor where the WebSocket fails, too, beside polls that fail', async () => {
  network.onDial = dialed => queueMicrotask(() => dialed.fail())
  network.onRequest = request => request.answer([], { status: 500 })
  network.socket().fail()
  await passes(2001)
  await passes(1)
  expect(part('detail').textContent).toBe('No data comes: the server does not answer')
  // Between two polls.
  network.onDial = dialed => void setTimeout(() => dialed.fail(), 1700)
  const before = network.sockets.length
  const said = new Set<string>()
  for (let n = 0; n < 400; n++) {
    await passes(100)
    said.add(`${badge.dataset['status']} ${part('detail').textContent}`)
  }
  expect(network.sockets.length).toBe(before + 1)
  expect([...said]).toEqual(['FALLBACK No data comes: the server does not answer'])
  network.onRequest = request => request.answer([])
  await passes(5000)
  await passes(1)
  expect(part('detail').textContent).toBe('Live updates are slower than usual')
})

test('"Try now" by keyboard: the focus goes to the badge when the button goes', async () => {
  part('retry').focus()
  part('retry').click()
  await accept()
  expect(part('retry').hidden).toBe(true)
  expect(badge.shadowRoot?.activeElement).toBe(part('badge'))
})

test('builds itself where a page forbids innerHTML', () => {
  const forbidden = vi.spyOn(Element.prototype, 'innerHTML', 'set').mockImplementation(() => {
    throw new TypeError("This document requires 'TrustedHTML' assignment")
  })
  const other = document.createElement('connection-status')
  other.client = socket
  document.body.append(other)
  expect(other.shadowRoot?.querySelector('[part=label]')?.textContent).toBe('Connecting')
  expect(other.shadowRoot?.querySelector('path')?.getAttribute('d')).toMatch(/^M8 2/)
  other.remove()
  forbidden.mockRestore()
})

test('a client that came as an attribute is said, with what to do', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  const other = document.createElement('connection-status')
  other.setAttribute('client', '[object Object]')
  document.body.append(other)
  expect(said.mock.calls).toEqual([[expect.stringContaining("'resilient-websocket/indicator'")]])
  other.remove()
  said.mockRestore()
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
    expect(textContent).toContain('Reconnecting Connection lost')
    expect(part('details').querySelector('dt:not([hidden]) + dd')?.textContent).toContain('1006')
  })

  test('a round trip is not mentioned before there is one', async () => {
    await accept()
    const details = await open()
    const rows = (): string[] =>
      [...details.querySelectorAll('dt')].filter(each => !each.hidden).map(each => each.innerText)
    expect(rows()).toEqual(['Last error', 'Waiting to be sent'])
    network.socket().receive({ type: 'pong', data: {} })
    await network.clock.advance(30_000)
    network.socket().receive({ type: 'pong', data: {} })
    await passes(1)
    expect(rows()).toEqual(['Last error', 'Round trip', 'Waiting to be sent'])
  })

  test('stay the same nodes under a live feed, and the place that was scrolled to', async () => {
    await accept()
    const details = await open()
    const nodes = (): Node[] => {
      const found: Node[] = []
      const walker = document.createTreeWalker(details)
      while (walker.nextNode()) found.push(walker.currentNode)
      return found
    }
    const before = nodes()
    for (let n = 0; n < 50; n++) {
      network.socket().receive({ type: 'tick', data: n })
      socket.send({ type: 'order', data: n })
      await passes(50)
    }
    expect(nodes().every((node, index) => node === before[index])).toBe(true)
    expect(nodes()).toHaveLength(before.length)
  })

  test('a new change comes on top of the history; the others stay, and the oldest goes', async () => {
    await accept()
    const details = await open()
    const items = (): Element[] => [...details.querySelectorAll('li')]
    const [opened] = items()
    network.socket().close(1006)
    await passes(1)
    expect(items().map(item => item.className)).toEqual(['yellow', 'green', 'yellow'])
    expect(items()[1]).toBe(opened)
    for (let n = 0; n < 15; n++) {
      socket.disconnect()
      socket.connect()
      await passes(1)
    }
    expect(items()).toHaveLength(20)
    expect(items()).not.toContain(opened)
  })

  test('"Copied" stays for two seconds, and is gone when the details are opened again', async () => {
    await accept()
    vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue({
      writeText: async () => {},
    } as unknown as Clipboard)
    const details = await open()
    const button = details.querySelector('button') as HTMLButtonElement
    button.click()
    await passes(0)
    for (let n = 0; n < 39; n++) {
      network.socket().receive({ type: 'tick', data: n })
      await passes(50)
      expect(button.textContent).toBe('Copied')
    }
    await passes(100)
    expect(button.textContent).toBe('Copy diagnostics')
    button.click()
    await passes(0)
    part('badge').click()
    part('badge').click()
    expect(button.textContent).toBe('Copy diagnostics')
  })

  test('"Copied" is told to screen readers', async () => {
    await accept()
    vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue({
      writeText: async () => {},
    } as unknown as Clipboard)
    const details = await open()
    ;(details.querySelector('button') as HTMLButtonElement).click()
    await passes(0)
    expect(live()).toBe('Copied')
  })

  test('what is copied when the element has gone leaves no timer', async () => {
    await accept()
    let allow = (): void => {}
    vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue({
      writeText: () =>
        new Promise<void>(resolve => {
          allow = resolve
        }),
    } as unknown as Clipboard)
    const details = await open()
    ;(details.querySelector('button') as HTMLButtonElement).click()
    badge.remove()
    allow()
    await Promise.resolve()
    await Promise.resolve()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('the history speaks other words, reasons included, and isolates them', async () => {
    badge.strings = {
      connected: 'متصل',
      reconnecting: 'إعادة الاتصال',
      reasons: { 'Connection lost': 'انقطع الاتصال' },
    }
    await accept()
    const details = await open()
    network.socket().close(1006)
    await passes(1)
    const rows = [...details.querySelectorAll('li')].map(row =>
      [...row.querySelectorAll('bdi')].map(({ textContent }) => textContent),
    )
    expect(rows).toEqual([['إعادة الاتصال', 'انقطع الاتصال'], ['متصل'], ['Connecting']])
    badge.strings = { connected: 'Verbunden' }
    expect(details.querySelectorAll('bdi')[2]?.textContent).toBe('Verbunden')
  })

  test('speak other words, hints included', async () => {
    badge.strings = {
      details: 'Verbindung',
      lastError: 'Letzter Fehler',
      noError: 'keiner',
      waiting: 'Wartet',
      history: 'Verlauf',
      copy: 'Kopieren',
      hintUnreachable: 'Der Server ist nicht zu erreichen.',
    }
    const details = await open()
    expect(details.getAttribute('aria-label')).toBe('Verbindung')
    expect(details.textContent).toContain('Letzter Fehlerkeiner')
    expect(details.textContent).toContain('Wartet0')
    expect(details.textContent).toContain('Verlauf')
    expect(details.querySelector('button')?.textContent).toBe('Kopieren')
    network.socket().close(1006)
    await passes(1)
    expect(details.textContent).toContain('Der Server ist nicht zu erreichen.')
    badge.strings = { copy: 'Copier' }
    expect(details.querySelector('button')?.textContent).toBe('Copier')
    expect(details.textContent).toContain('Last error')
  })

  test('close with the client, and are of the next one', async () => {
    await accept()
    network.socket().close(1006)
    await passes(1)
    const details = await open()
    badge.client = undefined
    expect([details.hidden, badge.dataset['status']]).toEqual([true, undefined])
    expect(part('badge').getAttribute('aria-expanded')).toBe('false')
    const other = createResilientWebSocket({
      environment: createFakeNetwork().environment,
      enabled: false,
    })
    badge.client = other
    await open()
    expect(details.textContent).not.toContain('RECONNECTING')
    expect(details.textContent).toContain('Nothing yet')
    other.close()
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

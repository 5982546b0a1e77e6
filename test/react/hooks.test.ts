// @vitest-environment happy-dom
import { act, createElement, type ReactElement, StrictMode, Suspense, useEffect } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { createResilientWebSocket, type IncomingEnvelope } from 'resilient-websocket'
import {
  ResilientWebSocketProvider,
  type UseResilientWebSocketOptions,
  type UseResilientWebSocketResult,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createPage, type Page } from '../adapters/support.ts'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

let page: Page
let root: Root
let container: HTMLElement
const complaints: unknown[][] = []

beforeEach(() => {
  page = createPage()
  container = document.createElement('div')
  document.body.append(container)
  root = createRoot(container)
  complaints.length = 0
  vi.spyOn(console, 'error').mockImplementation((...words) => void complaints.push(words))
})

afterEach(async () => {
  await act(() => root.unmount())
  container.remove()
  await page.macrotask()
  expect(complaints).toEqual([])
  vi.restoreAllMocks()
})

const render = (element: ReactElement): Promise<void> => act(async () => root.render(element))
const happens = (run: () => void): Promise<void> =>
  act(async () => {
    run()
    await page.network.clock.settle()
  })
const passes = (ms: number): Promise<void> => act(() => page.network.clock.advance(ms))

type Result = UseResilientWebSocketResult

/** A component that reads what the test wants, and counts its renderings. */
const component = (
  read: (result: Result) => unknown,
  options: UseResilientWebSocketOptions = {},
): { (): ReactElement; renderings: number; seen: unknown[] } => {
  const Component = (): ReactElement => {
    Component.renderings++
    Component.seen.push(read(useResilientWebSocket({ ...page.options, ...options })))
    return createElement('p', null, String(Component.seen.at(-1)))
  }
  Component.renderings = 0
  Component.seen = [] as unknown[]
  return Component
}

describe('one connection', () => {
  test('two hooks, a subscription and StrictMode: one socket, through unmount and remount', async () => {
    const One = component(({ status }) => status)
    const Two = component(({ isConnected }) => isConnected)
    const Three = (): null => {
      useSubscription('AAPL', undefined, page.options)
      return null
    }
    const app = (key: string): ReactElement =>
      createElement(
        StrictMode,
        { key },
        createElement(One),
        createElement(Two),
        createElement(Three),
      )
    await render(app('a'))
    expect(page.network.sockets).toHaveLength(1)
    await happens(page.accept)
    // Everything unmounts, and mounts again at once.
    await render(app('b'))
    await page.macrotask()
    expect(page.network.sockets).toHaveLength(1)
    expect(page.live()).toBe(1)
    expect(One.seen.at(-1)).toBe('OPEN')
  })

  test('is released one macrotask after the last user', async () => {
    const One = component(({ status }) => status)
    await render(createElement(One))
    await happens(page.accept)
    act(() => root.render(createElement('p')))
    expect(page.live()).toBe(1)
    await page.macrotask()
    expect(page.live()).toBe(0)
    expect(page.network.clock.pending()).toBe(0)
    // The next user gets a new one.
    await render(createElement(One))
    expect(page.network.sockets).toHaveLength(2)
  })

  test('`share: false` is a connection of its own', async () => {
    const One = component(({ status }) => status)
    const Own = component(({ status }) => status, { share: false })
    await render(createElement(StrictMode, null, createElement(One), createElement(Own)))
    await page.macrotask()
    expect(page.network.sockets).toHaveLength(2)
    await render(createElement('p'))
    await page.macrotask()
    expect(page.live()).toBe(0)
  })

  test('another url is another connection; the old one is released', async () => {
    const Component = ({ url }: { url: string }): null => {
      void useResilientWebSocket({ ...page.options, url }).status
      return null
    }
    await render(createElement(Component, { url: 'ws://a' }))
    await render(createElement(Component, { url: 'ws://b' }))
    await page.macrotask()
    expect(page.network.sockets.map(({ url }) => url)).toEqual(['ws://a', 'ws://b'])
    expect(page.live()).toBe(1)
  })

  test('an inline function as url does not reconnect', async () => {
    const Component = ({ n }: { n: number }): ReactElement => {
      const { status } = useResilientWebSocket({ ...page.options, url: () => `ws://inline/${n}` })
      return createElement('p', null, status)
    }
    await render(createElement(Component, { n: 1 }))
    await render(createElement(Component, { n: 2 }))
    await page.macrotask()
    expect(page.network.sockets.map(({ url }) => url)).toEqual(['ws://inline/1'])
  })

  test('`enabled` connects and disconnects', async () => {
    const Component = ({ enabled }: { enabled: boolean }): ReactElement => {
      const { status } = useResilientWebSocket({ ...page.options, enabled })
      return createElement('p', null, status)
    }
    await render(createElement(Component, { enabled: false }))
    expect(container.textContent).toBe('CLOSED')
    expect(page.network.sockets).toHaveLength(0)
    await render(createElement(Component, { enabled: true }))
    expect(container.textContent).toBe('CONNECTING')
    await render(createElement(Component, { enabled: false }))
    await act(page.macrotask)
    expect(container.textContent).toBe('CLOSED')
    expect(page.live()).toBe(0)
  })

  test('a client of yours, given or provided, stays yours', async () => {
    const socket = createResilientWebSocket(page.options)
    const Inner = (): ReactElement => createElement('p', null, useResilientWebSocket().status)
    await render(
      createElement(
        StrictMode,
        null,
        createElement(ResilientWebSocketProvider, { socket }, createElement(Inner)),
      ),
    )
    expect(container.textContent).toBe('CONNECTING')
    await render(createElement('p'))
    await page.macrotask()
    expect(page.network.sockets).toHaveLength(1)
    expect(socket.status).toBe('CONNECTING')
    socket.close()
  })

  test('a component that suspends keeps its connection', async () => {
    let go = (): void => {}
    const waits = new Promise<void>(resolve => {
      go = resolve
    })
    let ready = false
    const Waits = (): ReactElement => {
      const { status } = useResilientWebSocket(page.options)
      if (!ready) throw waits
      return createElement('p', null, status)
    }
    await render(createElement(Suspense, { fallback: 'waiting' }, createElement(Waits)))
    expect(container.textContent).toBe('waiting')
    expect(page.network.sockets).toHaveLength(0)
    ready = true
    await act(async () => go())
    expect(container.textContent).toBe('CONNECTING')
    expect(page.network.sockets).toHaveLength(1)
  })
})

describe('renders for what is read', () => {
  test('only `status`: once for each change, at any message rate', async () => {
    const One = component(({ status }) => status)
    await render(createElement(One))
    await happens(page.accept)
    const before = One.renderings
    for (let round = 0; round < 20; round++) {
      await happens(() => {
        for (let n = 0; n < 50; n++) page.receive('tick', n)
      })
      await passes(150)
    }
    expect(One.renderings).toBe(before)
    await happens(() => page.network.socket().close(1006))
    expect(One.renderings).toBe(before + 1)
    expect(One.seen.at(-1)).toBe('RECONNECTING')
  })

  test('`lastMessage`: once for each batch', async () => {
    const One = component(({ lastMessage }) => lastMessage?.data)
    await render(createElement(One))
    await happens(page.accept)
    await happens(() => page.receive('tick', 0))
    const before = One.renderings
    await happens(() => {
      for (let n = 1; n <= 100; n++) page.receive('tick', n)
    })
    expect(One.renderings).toBe(before)
    await passes(150)
    expect(One.renderings).toBe(before + 1)
    expect(One.seen.at(-1)).toBe(100)
  })

  test('`messages` is the last batch; `onMessage` sees every one, `onBatch` every batch', async () => {
    const each: unknown[] = []
    const batches: number[] = []
    const One = component(({ messages }) => messages.length, {
      onMessage: ({ data }) => each.push(data),
      onBatch: messages => batches.push(messages.length),
    })
    await render(createElement(StrictMode, null, createElement(One)))
    await happens(page.accept)
    await happens(() => {
      for (let n = 0; n < 100; n++) page.receive('tick', n)
    })
    await passes(150)
    expect(each).toEqual(Array.from({ length: 100 }, (_, n) => n))
    expect(batches).toEqual([1, 99])
    expect(One.seen.at(-1)).toBe(99)
  })

  test('a field that is read for the first time is up to date', async () => {
    const Component = ({ all }: { all: boolean }): ReactElement => {
      const result = useResilientWebSocket(page.options)
      return createElement('p', null, all ? `${result.status} ${result.queued}` : result.status)
    }
    await render(createElement(Component, { all: false }))
    await happens(() => {
      const { socket } = { socket: page.network.socket() }
      expect(socket.readyState).toBe(0)
    })
    await render(createElement(Component, { all: true }))
    expect(container.textContent).toBe('CONNECTING 0')
  })

  test('`connectionDuration`: once a second, while it is read', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const One = component(({ connectionDuration }) => Math.round(connectionDuration / 1000))
      const Two = component(({ status }) => status)
      await render(createElement('div', null, createElement(One), createElement(Two)))
      await happens(page.accept)
      const before = [One.renderings, Two.renderings]
      for (let second = 0; second < 3; second++) {
        await passes(1000)
        await act(() => vi.advanceTimersByTimeAsync(1000))
      }
      expect(One.seen.at(-1)).toBe(3)
      expect([One.renderings, Two.renderings]).toEqual([(before[0] ?? 0) + 3, before[1]])
    } finally {
      vi.useRealTimers()
    }
  })

  test('the latest inline callback is called, and nothing reconnects', async () => {
    const calls: string[] = []
    const Component = ({ name }: { name: string }): null => {
      useResilientWebSocket({
        ...page.options,
        onMessage: () => calls.push(`message ${name}`),
        onStatusChange: (status, { to }) => calls.push(`${status === to && status} ${name}`),
        onError: ({ code }) => calls.push(`${code} ${name}`),
      })
      return null
    }
    await render(createElement(Component, { name: 'a' }))
    await render(createElement(Component, { name: 'b' }))
    await happens(page.accept)
    await happens(() => page.receive('tick'))
    await happens(() => page.receive('error', { code: 'FORBIDDEN', message: 'no' }))
    expect(page.network.sockets).toHaveLength(1)
    expect(calls).toEqual(['CONNECTING a', 'OPEN b', 'message b', 'FORBIDDEN b'])
  })

  test('functions stay the same; what is sent in the first effect goes out', async () => {
    const functions = new Set<unknown>()
    const Component = (): ReactElement => {
      const { sendMessage, reconnect, socket, status } = useResilientWebSocket(page.options)
      functions.add(sendMessage).add(reconnect).add(socket)
      useEffect(() => void sendMessage({ type: 'hello' }), [sendMessage])
      return createElement('p', null, status)
    }
    await render(createElement(Component))
    await happens(page.accept)
    expect(functions.size).toBe(3)
    expect(page.network.socket().messages()).toMatchObject([{ type: 'hello' }])
  })
})

describe('useSubscription', () => {
  test('the newest message of each channel, renewed with each batch', async () => {
    const seen: unknown[] = []
    let renderings = 0
    const Component = ({ channels }: { channels: string[] }): null => {
      renderings++
      const heard = ({ data }: IncomingEnvelope, channel: string): unknown =>
        seen.push(`${channel} ${data}`)
      const quotes = useSubscription(channels, heard, page.options)
      shown = [...quotes].map(([name, { data }]) => `${name} ${data}`)
      return null
    }
    let shown: string[] = []
    await render(createElement(Component, { channels: ['A', 'B'] }))
    await happens(page.accept)
    const before = renderings
    await happens(() => {
      for (let n = 0; n < 10; n++) page.receive('tick', n, { channel: n % 2 ? 'A' : 'B' })
    })
    await passes(150)
    expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => `${n % 2 ? 'A' : 'B'} ${n}`))
    expect(shown.sort()).toEqual(['A 9', 'B 8'])
    expect(renderings).toBe(before + 2)
    await render(createElement(Component, { channels: ['A'] }))
    expect(shown).toEqual(['A 9'])
    await render(createElement('p'))
    await page.macrotask()
    expect(page.live()).toBe(0)
  })

  test('an inline array subscribes once', async () => {
    const Component = ({ n }: { n: number }): ReactElement => {
      useSubscription(['A', 'B'], undefined, page.options)
      return createElement('p', null, n)
    }
    await render(createElement(Component, { n: 1 }))
    await happens(page.accept)
    await render(createElement(Component, { n: 2 }))
    await page.network.clock.settle()
    const told = page.network.socket().messages()
    expect(told).toMatchObject([{ type: 'subscribe', data: { channels: ['A', 'B'] } }])
  })
})

test('useWebSocket: the statuses of the older hook', async () => {
  const seen: string[] = []
  const Component = (): ReactElement => {
    const { status, isConnected } = useWebSocket({
      ...page.options,
      reconnect: { maxAttempts: 1, initialDelayMs: 1000 },
    })
    seen.push(`${status} ${isConnected}`)
    return createElement('p', null, status)
  }
  await render(createElement(Component))
  await happens(page.accept)
  await happens(() => page.network.socket().close(1006))
  page.network.onDial = dialed => queueMicrotask(() => dialed.fail())
  await passes(3000)
  await happens(() => page.network.socket().close(1008))
  expect([...new Set(seen)]).toEqual(['CONNECTING false', 'OPEN true', 'DISCONNECTED false'])
})

describe('on a server', () => {
  test('nothing is opened; it shows CONNECTING or CLOSED, and hydration agrees', async () => {
    const make = (enabled: boolean) => (): ReactElement => {
      const { status, queued, stateHistory, connectionDuration } = useResilientWebSocket({
        ...page.options,
        enabled,
      })
      const words = [status, queued, stateHistory.length, connectionDuration].join(' ')
      return createElement('p', null, words)
    }
    const App = make(true)
    const withoutWindow = (element: ReactElement): string => {
      vi.stubGlobal('window', undefined)
      try {
        return renderToString(element)
      } finally {
        vi.unstubAllGlobals()
      }
    }
    expect(withoutWindow(createElement(make(false)))).toBe('<p>CLOSED 0 0 0</p>')
    const html = withoutWindow(createElement(App))
    expect(html).toBe('<p>CONNECTING 0 0 0</p>')
    expect(page.network.sockets).toHaveLength(0)

    const place = document.createElement('div')
    place.innerHTML = html
    const recovered: unknown[] = []
    let hydrated: Root | undefined
    await act(async () => {
      hydrated = hydrateRoot(place, createElement(App), {
        onRecoverableError: error => recovered.push(error),
      })
    })
    expect(recovered).toEqual([])
    expect(page.network.sockets).toHaveLength(1)
    await happens(page.accept)
    expect(place.textContent).toMatch(/^OPEN /)
    await act(() => hydrated?.unmount())
  })
})

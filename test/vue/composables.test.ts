// @vitest-environment happy-dom
import { createResilientWebSocket } from 'resilient-websocket'
import {
  provideResilientWebSocket,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  type App,
  createApp,
  createSSRApp,
  defineComponent,
  effectScope,
  h,
  nextTick,
  onUpdated,
  ref,
} from 'vue'
import { renderToString } from 'vue/server-renderer'
import { createPage, type Page } from '../adapters/support.ts'

let page: Page
let app: App | undefined
let container: HTMLElement
const warnings: unknown[] = []

beforeEach(() => {
  page = createPage()
  container = document.createElement('div')
  warnings.length = 0
  vi.spyOn(console, 'warn').mockImplementation((...words) => void warnings.push(words))
  vi.spyOn(console, 'error').mockImplementation((...words) => void warnings.push(words))
})

afterEach(async () => {
  app?.unmount()
  app = undefined
  await page.macrotask()
  expect(warnings).toEqual([])
  vi.restoreAllMocks()
})

/** Mounts a component whose text is what `setup` returns, and counts its updates. */
const mount = (setup: () => () => unknown): { updates: number } => {
  const counted = { updates: 0 }
  app = createApp(
    defineComponent({
      setup() {
        const text = setup()
        onUpdated(() => void counted.updates++)
        return () => h('p', String(text()))
      },
    }),
  )
  app.mount(container)
  return counted
}

const settle = async (): Promise<void> => {
  await page.network.clock.settle()
  await nextTick()
}
const passes = async (ms: number): Promise<void> => {
  await page.network.clock.advance(ms)
  await nextTick()
}

test('two composables and a subscription: one socket, released one macrotask after the last scope', async () => {
  mount(() => {
    const { status } = useResilientWebSocket(page.options)
    useSubscription('AAPL', undefined, page.options)
    const { isConnected } = useWebSocket(page.options)
    return () => `${status.value} ${isConnected.value}`
  })
  await nextTick()
  expect(container.textContent).toBe('CONNECTING false')
  page.accept()
  await settle()
  expect(container.textContent).toBe('OPEN true')
  expect(page.network.sockets).toHaveLength(1)
  app?.unmount()
  app = undefined
  expect(page.live()).toBe(1)
  await page.macrotask()
  expect(page.live()).toBe(0)
  expect(page.network.clock.pending()).toBe(0)
})

test('a component updates only for what it reads', async () => {
  const counted = mount(() => {
    const { status } = useResilientWebSocket(page.options)
    return () => status.value
  })
  page.accept()
  await settle()
  const before = counted.updates
  for (let n = 0; n < 500; n++) page.receive('tick', n)
  await passes(150)
  expect(counted.updates).toBe(before)
})

test('lastMessage once for each batch; callbacks see every message', async () => {
  const each: unknown[] = []
  const batches: number[] = []
  const statuses: string[] = []
  const errors: string[] = []
  const counted = mount(() => {
    const { lastMessage } = useResilientWebSocket({
      ...page.options,
      onMessage: ({ data }) => each.push(data),
      onBatch: messages => batches.push(messages.length),
      onStatusChange: (status, { from }) => statuses.push(`${from}>${status}`),
      onError: ({ code }) => errors.push(code),
    })
    return () => (lastMessage.value as { data?: unknown } | null)?.data
  })
  page.accept()
  await settle()
  for (let n = 0; n <= 100; n++) page.receive('tick', n)
  await nextTick()
  const before = counted.updates
  await passes(150)
  expect(counted.updates).toBe(before + 1)
  expect(container.textContent).toBe('100')
  expect(each).toHaveLength(101)
  expect(batches).toEqual([1, 100])
  page.receive('error', { code: 'FORBIDDEN' })
  expect(statuses).toEqual(['CLOSED>CONNECTING', 'CONNECTING>OPEN'])
  expect(errors).toEqual(['FORBIDDEN'])
})

test('useSubscription: the newest of each channel; the channels may be a ref', async () => {
  const channels = ref(['A', 'B'])
  mount(() => {
    const quotes = useSubscription(channels, undefined, page.options)
    return () => [...quotes.value].map(([name, { data }]) => `${name}${data}`).sort()
  })
  page.accept()
  await settle()
  for (let n = 0; n < 10; n++) page.receive('tick', n, { channel: n % 2 ? 'A' : 'B' })
  await passes(150)
  expect(container.textContent).toBe('A9,B8')
  channels.value = ['A', 'C']
  await settle()
  await settle()
  expect(container.textContent).toBe('A9')
  const told = page.network.socket().messages()
  expect(told).toMatchObject([
    { type: 'subscribe', data: { channels: ['A', 'B'] } },
    { type: 'unsubscribe', data: { channels: ['B'] } },
    { type: 'subscribe', data: { channels: ['C'] } },
  ])
})

test('in an effectScope without a component', async () => {
  const scope = effectScope()
  const status = scope.run(() => useResilientWebSocket(page.options).status)
  expect(status?.value).toBe('CONNECTING')
  page.accept()
  await settle()
  expect(status?.value).toBe('OPEN')
  scope.stop()
  await page.macrotask()
  expect(page.live()).toBe(0)
})

test('connectionDuration counts while it is read', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    mount(() => {
      const { connectionDuration } = useResilientWebSocket(page.options)
      return () => connectionDuration.value
    })
    page.accept()
    await settle()
    await passes(1000)
    await vi.advanceTimersByTimeAsync(1000)
    await nextTick()
    expect(container.textContent).toBe('1000')
    app?.unmount()
    app = undefined
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('a provided client stays yours', async () => {
  const socket = createResilientWebSocket(page.options)
  const Inner = defineComponent({
    setup() {
      const { status } = useResilientWebSocket()
      return () => h('p', status.value)
    },
  })
  app = createApp(
    defineComponent({
      setup() {
        provideResilientWebSocket(socket)
        return () => h(Inner)
      },
    }),
  )
  app.mount(container)
  await nextTick()
  expect(container.textContent).toBe('CONNECTING')
  app.unmount()
  app = undefined
  await page.macrotask()
  expect(socket.status).toBe('CONNECTING')
  socket.close()
})

test('on a server nothing is opened, and hydration agrees', async () => {
  const make = (enabled: boolean) =>
    defineComponent({
      setup() {
        const { status, connectionDuration } = useResilientWebSocket({ ...page.options, enabled })
        return () => h('p', `${status.value} ${connectionDuration.value}`)
      },
    })
  const Root = make(true)
  vi.stubGlobal('window', undefined)
  const html = await renderToString(createSSRApp(Root))
  const closed = await renderToString(createSSRApp(make(false)))
  vi.unstubAllGlobals()
  expect([html, closed]).toEqual(['<p>CONNECTING 0</p>', '<p>CLOSED 0</p>'])
  expect(page.network.sockets).toHaveLength(0)

  container.innerHTML = html
  app = createSSRApp(Root)
  app.mount(container)
  await nextTick()
  expect(container.innerHTML).toBe(html)
  page.accept()
  await settle()
  expect(container.textContent).toMatch(/^OPEN /)
})

/** What `navigator.onLine` says is a hint: it may hurry or slow down, and stops nothing. */
import { createResilientWebSocket } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Story, start } from './support.ts'

const dials = (story: Story): number => story.network.sockets.length

/** Never resolved, so that nobody asks for more. */
const offlineFromTheStart = (options: Parameters<typeof start>[0]): Story => {
  const network = createFakeNetwork()
  return start({
    reconnect: { jitter: 0 },
    ...options,
    environment: { page: { ...network.environment.page, online: () => false } },
  })
}

const LOCAL = [
  'ws://localhost:3001/ws',
  'ws://127.0.0.1:1',
  'ws://127.1.2.3',
  'ws://[::1]:3001',
  'http://app.localhost/ws',
]

describe('a server on this machine', () => {
  test.each(LOCAL)(
    'is dialed as ever, though the machine says that it is offline: %s',
    async url => {
      for (const given of [url, () => url, async () => url]) {
        const story = offlineFromTheStart({ url: given })
        await story.clock.settle()
        story.network.socket().fail()
        expect(story.socket.getSnapshot().phase).toBe('waiting')
        await story.clock.advance(2000)
        expect(dials(story)).toBe(2)
        story.network.socket().fail()
        expect(story.socket.getSnapshot().phase).toBe('waiting')
        await story.clock.advance(4000)
        expect(dials(story)).toBe(3)
      }
    },
  )

  test('is waited for no longer because the machine goes offline meanwhile', async () => {
    const story = start({ reconnect: { jitter: 0 }, url: 'ws://localhost:3001/ws' })
    story.accept()
    story.network.socket().close(1006)
    await story.clock.advance(1000)
    story.network.page.setOnline(false)
    expect(story.socket.getSnapshot().phase).toBe('waiting')
    await story.clock.advance(1000)
    expect(dials(story)).toBe(2)
  })

  test('may be the host of the page, for a relative URL', async () => {
    vi.stubGlobal('location', { protocol: 'http:', href: 'http://localhost:3000/app' })
    const story = offlineFromTheStart({ url: '/ws' })
    story.network.socket().fail()
    expect(story.socket.getSnapshot().phase).toBe('waiting')
    vi.unstubAllGlobals()
  })

  test.each([
    'ws://localhost.example.com',
    'ws://1.2.3.127',
    'ws://127.example.com',
    'ws://notlocalhost',
  ])('is not any other: %s', url => {
    const story = offlineFromTheStart({ url })
    story.network.socket().fail()
    expect(story.socket.getSnapshot().phase).toBe('offline')
  })
})

describe('any other server', () => {
  const url = 'wss://example.com/ws'

  test('is dialed at once by a machine that says that it is offline, and again after the longest delay', async () => {
    const story = offlineFromTheStart({ url })
    expect(dials(story)).toBe(1)
    for (let redials = 2; redials < 5; redials++) {
      story.network.socket().fail()
      expect(story.socket.getSnapshot().phase).toBe('offline')
      await story.clock.advance(30_000)
      expect(dials(story)).toBe(redials)
    }
    story.accept()
    expect(story.socket.status).toBe('OPEN')
  })

  test('is dialed in time, however often the machine says that it is offline', async () => {
    const story = start({ url, reconnect: { jitter: 0 } })
    story.accept()
    story.network.socket().close(1006)
    story.network.page.setOnline(false)
    for (let times = 0; times < 5; times++) {
      await story.clock.advance(6000)
      story.network.page.emit('offline')
    }
    expect(dials(story)).toBe(2)
  })

  test('is dialed within 10 s of the machine being online again, also where no event says so', async () => {
    let online = true
    const { page } = createFakeNetwork().environment
    const story = start({
      url,
      reconnect: { jitter: 0, initialDelayMs: 600_000, maxDelayMs: 600_000 },
      environment: { page: { ...page, online: () => online } },
    })
    story.accept()
    await story.clock.advance(1000)
    online = false
    story.network.socket().close(1006)
    expect(story.socket.getSnapshot().phase).toBe('offline')
    await story.clock.advance(20_000)
    expect(dials(story)).toBe(1)
    online = true
    await story.clock.advance(10_000)
    expect(dials(story)).toBe(2)
    story.network.socket().fail()
    expect(story.socket.getSnapshot().phase).toBe('waiting')
    await story.clock.advance(60_000)
    expect(dials(story)).toBe(2)
  })

  test('is probed and polled as ever', async () => {
    const story = start({ url, reconnect: { maxAttempts: 0 } })
    story.network.onRequest = request => request.answer({})
    story.network.socket().fail()
    story.network.page.setOnline(false)
    await story.clock.advance(34_000)
    expect(dials(story)).toBe(2)
    expect(story.network.requests.length).toBeGreaterThan(5)
  })
})

describe('in a worker, which has no document', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  test('online and offline are heard, and onLine is read', async () => {
    const scope = new EventTarget()
    const added = vi.fn(scope.addEventListener.bind(scope))
    const removed = vi.fn(scope.removeEventListener.bind(scope))
    vi.stubGlobal('addEventListener', added)
    vi.stubGlobal('removeEventListener', removed)
    vi.stubGlobal('navigator', { onLine: true })
    const { environment, sockets, clock, socket: newest } = createFakeNetwork()
    const { page, ...rest } = environment
    const socket = createResilientWebSocket({ url: 'wss://example.com', environment: rest })
    newest().open()
    newest().close(1006)
    vi.stubGlobal('navigator', { onLine: false })
    scope.dispatchEvent(new Event('offline'))
    expect(socket.getSnapshot().phase).toBe('offline')
    await clock.advance(10_000)
    expect(sockets).toHaveLength(1)
    vi.stubGlobal('navigator', { onLine: true })
    scope.dispatchEvent(new Event('online'))
    expect(sockets).toHaveLength(2)
    socket.close()
    expect(added.mock.calls.length).toBeGreaterThan(0)
    expect(removed.mock.calls.map(([type]) => type)).toEqual(added.mock.calls.map(([type]) => type))
  })

  test('a violation of the Content Security Policy is heard', async () => {
    const scope = new EventTarget()
    vi.stubGlobal('addEventListener', scope.addEventListener.bind(scope))
    vi.stubGlobal('removeEventListener', scope.removeEventListener.bind(scope))
    const { environment, socket: newest } = createFakeNetwork()
    const { page, ...rest } = environment
    const socket = createResilientWebSocket({ url: 'wss://example.com', environment: rest })
    const violation = { blockedURI: 'wss://example.com/', disposition: 'enforce' }
    scope.dispatchEvent(Object.assign(new Event('securitypolicyviolation'), violation))
    newest().block()
    expect(socket.status).toBe('ERROR')
    socket.close()
  })
})

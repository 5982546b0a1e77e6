import { createResilientWebSocket, isResilientWebSocketError } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answerPolls, start } from './support.ts'

describe('the life of a connection', () => {
  test('after an automatic reconnect the status is OPEN again, not RECONNECTING for ever', async () => {
    const { accept, network, clock, socket, statuses } = start()
    accept()
    network.socket().close(1006)
    expect(socket.status).toBe('RECONNECTING')
    await clock.advance(4000)
    accept()
    expect(socket.status).toBe('OPEN')
    expect(socket.error).toBeNull()
    expect(statuses).toEqual(['CONNECTING', 'OPEN', 'RECONNECTING', 'OPEN'])
    expect(socket.stateHistory.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ['CLOSED', 'CONNECTING', undefined],
      ['CONNECTING', 'OPEN', undefined],
      ['OPEN', 'RECONNECTING', 'Connection lost'],
      ['RECONNECTING', 'OPEN', undefined],
    ])
  })

  test('a late close of a socket that was replaced does not touch the new one', async () => {
    const { accept, network, socket } = start()
    accept()
    const [replaced] = network.sockets
    socket.reconnect()
    accept()
    expect(network.sockets).toHaveLength(2)
    expect(replaced?.listeners()).toBe(0)
    replaced?.close(1006)
    replaced?.receive({ type: 'ghost' })
    expect(socket.status).toBe('OPEN')
    expect(socket.lastMessage).toBeNull()
  })

  test('a dial that fails before any has opened says that the server may refuse this origin', async () => {
    const { accept, network, clock, socket } = start()
    const errors: [string, string][] = []
    socket.on('error', ({ code, message }) => errors.push([code, message]))
    network.socket().close(1006)
    await clock.advance(4000)
    accept()
    network.socket().close(1006)
    await clock.advance(8000)
    network.socket().close(1006)
    const hint =
      ' (none has opened yet: check that the server runs, and that it allows this origin, or clients that send none; its log says so)'
    expect(errors).toEqual([
      ['FAILED', `Connection failed: 1006 ${hint}`],
      ['LOST', 'Connection lost: 1006 '],
      ['FAILED', 'Connection failed: 1006 '],
    ])
  })

  test('disconnect() while CONNECTING leaves no socket that could open later', async () => {
    const { network, clock, socket } = start()
    socket.disconnect()
    expect(socket.status).toBe('CLOSED')
    expect(network.socket().closedByClient).toBeDefined()
    expect(network.socket().listeners()).toBe(0)
    network.socket().open()
    await clock.advance(600_000)
    expect(socket.status).toBe('CLOSED')
    expect(network.sockets).toHaveLength(1)
  })

  test('disconnect() while the URL is still being asked for dials nothing', async () => {
    const { network, clock, socket } = start({ url: async () => 'ws://later' })
    socket.disconnect()
    await clock.advance(600_000)
    expect(network.sockets).toHaveLength(0)
  })

  test('exactly five redials are made, after 2, 4, 8, 16 and 30 s with their jitter, then comes the fallback', async () => {
    const { clock, network, socket, refuseAll } = start()
    const waits: number[] = []
    const numbers: string[] = []
    socket.on('retry', ({ delayMs, attempt, maxAttempts }) => {
      waits.push(delayMs)
      numbers.push(`${attempt}/${maxAttempts}`)
    })
    const dialed: number[] = []
    network.chance.push(0, 0.999999, 0, 0.999999, 0)
    network.socket().fail()
    refuseAll()
    const refuse = network.onDial
    network.onDial = each => {
      dialed.push(clock.now())
      refuse(each)
    }
    await clock.advance(2000 + 8000 + 8000 + 30_000 + 30_000)
    expect(waits).toEqual([2000, 8000, 8000, 30_000, 15_000])
    expect(numbers).toEqual(['1/5', '2/5', '3/5', '4/5', '5/5'])
    expect(dialed).toHaveLength(5)
    expect(socket.status).toBe('FALLBACK')
  })

  test('a dial without an answer is a failed attempt after 10 s', async () => {
    const { network, clock, socket } = start()
    await clock.advance(9999)
    expect(socket.status).toBe('CONNECTING')
    await clock.advance(1)
    expect(socket.status).toBe('RECONNECTING')
    expect(socket.stateHistory.at(-1)?.reason).toBe('Connect timeout')
    expect(network.socket().listeners()).toBe(0)
  })

  test('the connect timeout includes a URL that never comes', async () => {
    const { clock, socket } = start({ url: () => new Promise(() => {}) })
    await clock.advance(10_000)
    expect(socket.stateHistory.at(-1)?.reason).toBe('Connect timeout')
  })

  test('a URL function is asked on every dial, and its rejection is a failed attempt', async () => {
    const urls = ['ws://one', 'ws://two']
    const { network, clock, socket, errors } = start({
      url: async () => {
        const url = urls.shift()
        if (!url) throw new Error('no more URLs')
        return url
      },
    })
    await clock.settle()
    network.socket().fail()
    await clock.advance(4000)
    network.socket().fail()
    await clock.advance(8000)
    expect(network.sockets.map(({ url }) => url)).toEqual(['ws://one', 'ws://two'])
    expect(errors.at(-1)).toContain('no more URLs')
    expect(socket.status).toBe('RECONNECTING')
  })

  test('attempts are forgotten only after 5 s OPEN: a server that accepts and drops is not hammered', async () => {
    const { network, clock, socket, accept } = start()
    for (let attempt = 1; attempt <= 5; attempt++) {
      accept()
      await clock.advance(4999)
      network.socket().close(1006)
      expect(socket.getSnapshot().attempt).toBe(attempt)
      await clock.advance((socket.getSnapshot().nextRetryAt ?? 0) - clock.now())
    }
    accept()
    await clock.advance(5000)
    expect(socket.getSnapshot().attempt).toBe(0)
    network.socket().close(1006)
    expect(socket.getSnapshot().attempt).toBe(1)
  })

  test('without a fallback redials go on at the longest delay, and end in ERROR where that was asked for', async () => {
    const { clock, network, socket, refuseAll } = start({
      fallback: false,
      reconnect: { giveUpAfterMs: 600_000, jitter: 0 },
    })
    refuseAll()
    const waits: number[] = []
    socket.on('retry', ({ delayMs }) => waits.push(delayMs))
    network.socket().fail()
    await clock.advance(599_999)
    expect(waits.slice(0, 7)).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    expect(socket.status).toBe('RECONNECTING')
    await clock.advance(1)
    expect(socket.status).toBe('ERROR')
    socket.connect()
    expect(socket.status).toBe('CONNECTING')
  })

  test('reconnect() dials now from any status and forgets the attempts', async () => {
    const { clock, network, socket, accept } = start()
    const dials = (): number => network.sockets.length
    socket.reconnect()
    expect([socket.status, dials()]).toEqual(['CONNECTING', 2])
    network.socket().fail()
    socket.reconnect()
    expect([socket.status, dials(), socket.getSnapshot().attempt]).toEqual(['RECONNECTING', 3, 0])
    accept()
    socket.reconnect()
    expect([socket.status, dials()]).toEqual(['RECONNECTING', 4])
    expect(socket.stateHistory.at(-1)?.reason).toBe('Reconnect requested')
    socket.disconnect()
    socket.reconnect()
    expect([socket.status, dials()]).toEqual(['CONNECTING', 5])
    await clock.settle()
  })

  test('a listener that calls back in finds what its call did, and everybody hears all changes in order', async () => {
    const { accept, socket } = start()
    const heard: string[] = []
    let inside = ''
    socket.on('status', ({ to }) => {
      if (to !== 'OPEN') return
      socket.disconnect()
      inside = socket.status
    })
    socket.on('status', ({ from, to }) => heard.push(`${from}>${to}`))
    accept()
    expect(inside).toBe('CLOSED')
    expect(heard).toEqual(['CONNECTING>OPEN', 'OPEN>CLOSED'])
  })

  test('a listener that throws disturbs neither the client nor the others, and is reported', async () => {
    const report = vi.fn()
    vi.stubGlobal('reportError', report)
    const { accept, socket, network, clock, log } = start()
    const heard: unknown[] = []
    socket.on('message', () => {
      throw new Error('mine')
    })
    socket.on('message', message => heard.push(message))
    accept()
    network.socket().receive({ type: 'tick' })
    network.socket().receive({ type: 'tock' })
    await clock.settle()
    expect(heard).toHaveLength(2)
    expect(report).toHaveBeenCalledTimes(2)
    expect(log.some(line => line.startsWith('error') && line.includes('mine'))).toBe(true)
    vi.unstubAllGlobals()
  })
})

describe('how a link ends decides what comes next', () => {
  const end = async (code: number, options = {}): Promise<string> => {
    const { accept, network, socket } = start(options)
    accept()
    network.socket().close(code, 'why')
    return socket.status
  }

  test.each([1002, 1003, 1007, 1008, 1010, 4400, 4401, 4403, 4499])('%i is final', async code => {
    expect(await end(code)).toBe('ERROR')
  })

  test.each([0, 1000, 1001, 1005, 1006, 1011, 1012, 1013, 3000, 4000, 4399, 4500])(
    '%i is retried',
    async code => {
      expect(await end(code)).toBe('RECONNECTING')
    },
  )

  test.each([
    ['false makes it final', () => false, 1006, 'ERROR'],
    ['true retries a final one', () => true, 1008, 'RECONNECTING'],
    ['undefined leaves it to the code', () => undefined, 1008, 'ERROR'],
    [
      'one that throws leaves it to the code',
      () => {
        throw new Error('mine')
      },
      1008,
      'ERROR',
    ],
  ])('reconnect.when: %s', async (_, when, code, status) => {
    expect(await end(code, { reconnect: { when } })).toBe(status)
  })

  test('reconnect.when: a number is the wait, exactly', async () => {
    const { accept, network, socket, clock } = start({ reconnect: { when: () => 123 } })
    accept()
    network.socket().close(1008)
    expect(socket.getSnapshot().nextRetryAt).toBe(clock.now() + 123)
    await clock.advance(123)
    expect(network.sockets).toHaveLength(2)
  })

  test.each([1008, 4401])(
    '%i asks a token function anew, once until the link was stable',
    async code => {
      const token = vi.fn(async () => 'secret')
      const { accept, network, socket, clock } = start({ token })
      await clock.settle()
      accept()
      expect(token).toHaveBeenCalledTimes(1)
      network.socket().close(code)
      await clock.advance(4000)
      expect(token).toHaveBeenCalledTimes(2)
      accept()
      network.socket().close(code)
      expect(socket.status).toBe('ERROR')
    },
  )

  test('a constructor that throws is final, with a hint, and its listeners hear of it', async () => {
    const network = createFakeNetwork()
    const socket = createResilientWebSocket({
      environment: {
        ...network.environment,
        WebSocket: class {
          constructor() {
            throw new SyntaxError('blocked')
          }
        } as never,
      },
    })
    const errors: unknown[] = []
    socket.on('error', error => errors.push(error))
    await network.clock.settle()
    expect(socket.status).toBe('ERROR')
    expect(errors).toHaveLength(1)
    expect(socket.error?.message).toMatch(/blocked .*wss:.*CSP/)
    expect(isResilientWebSocketError(socket.error)).toBe(true)
  })

  test('a function without a URL to say is a dial that failed', async () => {
    const { clock, network, socket, errors } = start({ url: (() => undefined) as never })
    await clock.settle()
    expect(socket.status).toBe('RECONNECTING')
    expect(errors).toEqual(["url: expected a URL, got 'undefined'"])
    expect(network.sockets).toHaveLength(0)
  })

  const violation = { blockedURI: 'ws://test/ws', disposition: 'enforce' }

  test('a dial that the Content Security Policy blocks is final, with a hint', () => {
    const { network, socket, errors } = start({ url: 'ws://test/ws' })
    network.page.emit('securitypolicyviolation', violation)
    network.socket().block()
    expect(socket.status).toBe('ERROR')
    expect(errors).toEqual([expect.stringMatching(/blocks ws:.*connect-src/)])
    expect(network.page.listeners()).toBe(0)
  })

  test.each([
    ['of something else', { ...violation, blockedURI: 'ws://elsewhere/ws' }],
    ['that is only reported', { ...violation, disposition: 'report' }],
    ['of something without a URL', { ...violation, blockedURI: '' }],
  ])('a violation %s is not ours', (_words, given) => {
    const { network, accept, socket } = start({ url: 'ws://test/ws' })
    network.page.emit('securitypolicyviolation', given)
    accept()
    expect(socket.status).toBe('OPEN')
    network.page.emit('securitypolicyviolation', violation)
    expect(socket.status).toBe('OPEN')
  })

  describe('ws: on an https: page', () => {
    beforeEach(() => {
      vi.stubGlobal('location', { protocol: 'https:', href: 'https://test/' })
    })
    afterEach(() => {
      vi.unstubAllGlobals()
    })

    test('an error without a close is a block: final, with a hint', async () => {
      const { network, clock, socket, errors } = start({ url: 'ws://test/ws' })
      network.socket().block()
      expect(socket.status).toBe('CONNECTING')
      await clock.advance(500)
      expect(socket.status).toBe('ERROR')
      expect(errors).toEqual([expect.stringMatching(/blocks ws:.*wss:/)])
      expect(clock.pending()).toBe(0)
    })

    test('an error with its close is a failure like any other', async () => {
      const { network, clock, socket } = start({ url: 'ws://test/ws' })
      network.socket().fail()
      expect(socket.status).toBe('RECONNECTING')
      await clock.advance(600)
      expect(socket.status).toBe('RECONNECTING')
    })
  })

  test.each([
    [{}, 'FALLBACK'],
    [{ fallback: false as const }, 'ERROR'],
  ])('where there is no WebSocket, with %j it is %s at once', async (options, status) => {
    const network = createFakeNetwork()
    const socket = createResilientWebSocket({
      environment: { ...network.environment, WebSocket: undefined },
      ...options,
    })
    await network.clock.settle()
    expect(socket.status).toBe(status)
    socket.close()
  })
})

test('the log says what the guide says, and never a token or a query', async () => {
  const { accept, network, clock, log } = start({
    url: 'ws://user:pass@host:1/ws?token=secret#frag',
    token: 'secret',
    reconnect: { jitter: 0 },
  })
  accept()
  network.socket().receive({ type: 'tick', data: 1 })
  network.socket().close(1011, 'oops')
  await clock.advance(2000)
  expect(log).toEqual([
    'info [WebSocket] Connecting to ws://host:1/ws...',
    'info [WebSocket] Connected',
    'debug [WebSocket] Received: {"type":"tick","data":1}',
    'info [WebSocket] Connection closed: 1011 oops',
    'info [WebSocket] Scheduling reconnect in 2000ms (attempt 1/5)',
    'info [WebSocket] Reconnecting to ws://host:1/ws...',
  ])
})

describe('the snapshot', () => {
  test('is the same object until something in it changes, and whole before anybody hears of it', async () => {
    const { accept, network, socket } = start()
    const before = socket.getSnapshot()
    expect(socket.getSnapshot()).toBe(before)
    expect(Object.isFrozen(before)).toBe(true)
    const seen: unknown[] = []
    socket.on('status', ({ to }) => seen.push([to, socket.getSnapshot().status]))
    socket.on('retry', () => seen.push(socket.getSnapshot().nextRetryAt !== null))
    accept()
    expect(socket.getSnapshot()).not.toBe(before)
    const open = socket.getSnapshot()
    expect(open).toMatchObject({
      status: 'OPEN',
      phase: 'ready',
      transport: 'websocket',
      queued: 0,
    })
    network.socket().close(1006)
    expect(seen).toEqual([['OPEN', 'OPEN'], ['RECONNECTING', 'RECONNECTING'], true])
    expect(socket.getSnapshot()).toMatchObject({ transport: null, connectedAt: null, attempt: 1 })
  })

  test('onChange tells of every change until it is stopped, twice if you like', async () => {
    const { accept, socket } = start()
    let changes = 0
    const stop = socket.onChange(() => changes++)
    accept()
    expect(changes).toBeGreaterThan(0)
    const then = changes
    stop()
    stop()
    socket.disconnect()
    expect(changes).toBe(then)
  })

  test('onChange without messages tells of what else changes, and that they are forgotten', async () => {
    const { accept, network, socket } = start()
    let changes = 0
    const stop = socket.onChange(() => changes++, { messages: false })
    let all = 0
    socket.onChange(() => all++)
    accept()
    expect(changes).toBeGreaterThan(0)
    const then = changes
    all = 0
    for (const data of [1, 2, 3]) network.socket().receive({ type: 'tick', data })
    expect([changes, all]).toEqual([then, 3])
    let heard: unknown
    socket.onChange(
      () => {
        heard ??= socket.getSnapshot().lastMessageAt
      },
      { messages: false },
    )
    socket.setIdentity('another')
    expect(heard).toBeNull()
    expect(changes).toBeGreaterThan(then)
    stop()
    const last = changes
    socket.disconnect()
    expect(changes).toBe(last)
  })

  test('no change is swallowed because somebody looked in the middle of it', async () => {
    const seen: string[] = []
    const story = start({
      enabled: false,
      url: () => {
        story.socket.getSnapshot()
        return 'ws://x/'
      },
    })
    story.socket.onChange(() => seen.push(story.socket.getSnapshot().status))
    story.socket.connect()
    expect(seen).toEqual(['CONNECTING'])
  })

  test('the history keeps no more than its limit', async () => {
    const { accept, socket } = start({ history: { limit: 3 } })
    for (let count = 0; count < 5; count++) {
      accept()
      socket.reconnect()
    }
    expect(socket.stateHistory).toHaveLength(3)
  })
})

describe('after close()', () => {
  const stories: [name: string, act: (story: ReturnType<typeof start>) => Promise<void>][] = [
    ['CONNECTING', async () => {}],
    ['OPEN', async ({ accept }) => accept()],
    ['RECONNECTING, waiting', async ({ network }) => network.socket().fail()],
    [
      'RECONNECTING, dialing',
      async ({ network, clock }) => {
        network.socket().fail()
        await clock.advance(4000)
      },
    ],
    [
      'FALLBACK',
      async ({ network, clock }) => {
        answerPolls(network)
        network.socket().fail()
        await clock.advance(1000)
      },
    ],
    [
      'FALLBACK, a poll under way and a probe beside it',
      async ({ network, clock }) => {
        network.socket().fail()
        await clock.advance(34_000)
      },
    ],
    [
      'ERROR',
      async ({ accept, network }) => {
        accept()
        network.socket().close(1008)
      },
    ],
    ['CLOSED', async ({ socket }) => socket.disconnect()],
  ]

  test.each(stories)('from %s, no timer, socket, poll or listener is left', async (name, act) => {
    const story = start({ reconnect: { maxAttempts: name.startsWith('FALLBACK') ? 0 : 5 } })
    await act(story)
    expect(name).toContain(story.socket.status)
    const delivery = story.socket.send({ type: 'late' })
    story.socket.close()
    story.socket.close()
    expect(story.socket.status).toBe('CLOSED')
    expect(story.clock.pending()).toBe(0)
    expect(story.network.page.listeners()).toBe(0)
    expect(story.network.sockets.every(each => each.listeners() === 0)).toBe(true)
    expect(story.network.requests.every(({ answered, aborted }) => answered || aborted)).toBe(true)
    expect((await delivery.settled).state).toBe(name === 'OPEN' ? 'sent' : 'rejected')
  })

  test.each(stories)('from %s, the phase is ended, whoever is told first', async (name, act) => {
    const story = start({ reconnect: { maxAttempts: name.startsWith('FALLBACK') ? 0 : 5 } })
    const { socket } = story
    await act(story)
    const seen: string[] = []
    socket.onChange(() => seen.push(`${socket.getSnapshot().status} ${socket.getSnapshot().phase}`))
    socket.close()
    expect(seen).toEqual(['CLOSED ended'])
    socket.disconnect()
    expect(socket.getSnapshot()).toMatchObject({ status: 'CLOSED', phase: 'ended' })
  })

  test('connect(), reconnect() and subscribe() throw, send() is rejected as closed', async () => {
    const { socket } = start()
    socket.close()
    expect(() => socket.connect()).toThrow(/closed for good/)
    expect(() => socket.reconnect()).toThrow(/closed for good/)
    expect(() => socket.subscribe('A')).toThrow(/closed for good/)
    expect(await socket.send({ type: 'x' }).settled).toMatchObject({
      state: 'rejected',
      reason: 'closed',
    })
  })

  test('an AbortSignal is close()', async () => {
    const controller = new AbortController()
    const { socket, clock } = start({ signal: controller.signal })
    controller.abort()
    expect(socket.status).toBe('CLOSED')
    expect(clock.pending()).toBe(0)
    expect(() => socket.connect()).toThrow()
  })
})

describe('what is told of a link', () => {
  test('open, error and duration are right also where the clock starts at 0', async () => {
    const network = createFakeNetwork()
    let now = 0
    const socket = createResilientWebSocket({
      environment: { ...network.environment, now: () => now },
    })
    let opened = 0
    socket.on('open', () => opened++)
    network.socket().fail()
    socket.reconnect()
    network.socket().open()
    expect([opened, socket.error]).toEqual([1, null])
    now = 5000
    expect(socket.connectionDuration).toBe(5000)
    socket.close()
  })

  test('a close has all its fields, also of a dial that failed or hung', async () => {
    const { network, clock, socket, log } = start()
    const closes: unknown[] = []
    socket.on('close', close => closes.push(close))
    network.socket().fail()
    await clock.advance(4000)
    await clock.advance(10_000)
    expect(closes).toEqual([
      { code: 1006, reason: '', wasClean: false },
      { code: 3008, reason: 'Connect timeout', wasClean: false },
    ])
    expect(log).toContain('info [WebSocket] Connection closed: 3008 Connect timeout')
  })

  test('reasons are words: overdue, and given up', async () => {
    const overdue = start({ fallback: { afterMs: 3000 } })
    overdue.network.socket().fail()
    await overdue.clock.advance(3000)
    expect(overdue.socket.stateHistory.at(-1)).toMatchObject({
      to: 'FALLBACK',
      reason: 'Connection overdue',
    })
    const given = start({ fallback: false, reconnect: { giveUpAfterMs: 3000 } })
    given.network.socket().fail()
    await given.clock.advance(3000)
    expect(given.socket.stateHistory.at(-1)).toMatchObject({ to: 'ERROR', reason: 'Gave up' })
  })

  test('a rule that answers with no time has no opinion', async () => {
    for (const answer of [Number.NaN, -5]) {
      const { accept, network, socket } = start({ reconnect: { when: () => answer } })
      const delays: number[] = []
      socket.on('retry', ({ delayMs }) => delays.push(delayMs))
      accept()
      network.socket().close(1006)
      expect(delays).toEqual([3000])
    }
  })

  test('a link that dies while the machine is offline is not dialed in a hurry', async () => {
    const { accept, network, clock, socket } = start({ url: 'wss://example.com/ws' })
    accept()
    network.page.setOnline(false)
    await clock.advance(40_000)
    expect(socket.getSnapshot()).toMatchObject({ status: 'RECONNECTING', phase: 'offline' })
    await clock.advance(29_000)
    expect(network.sockets).toHaveLength(1)
    await clock.advance(1000)
    expect(network.sockets).toHaveLength(2)
  })

  test('any thenable may bring the URL', async () => {
    class Later {
      // biome-ignore lint/suspicious/noThenProperty: promises of other libraries are no Promise
      then = (done: (url: string) => void): void => done('ws://later')
    }
    const { network, clock } = start({ url: () => new Later() as never })
    await clock.settle()
    expect(network.socket().url).toBe('ws://later')
  })

  test('where no dial has said where we are, a relative fallback says what it needs', async () => {
    const { clock, errors } = start({
      url: () => Promise.reject(new Error('no')),
      reconnect: { maxAttempts: 0 },
    })
    await clock.settle()
    expect(errors.at(-1)).toBe(
      "fallback.url: expected a whole URL while url() gives none, got '/api/market/snapshot'",
    )
  })

  test('a WebSocket that the runtime gets later is found', () => {
    const { environment, sockets } = createFakeNetwork()
    const { WebSocket: Late, ...rest } = environment
    const socket = createResilientWebSocket({ environment: rest, enabled: false })
    vi.stubGlobal('WebSocket', Late)
    socket.connect()
    expect(sockets).toHaveLength(1)
    socket.close()
    vi.unstubAllGlobals()
  })
})

describe('the snapshot', () => {
  test('is the same object, and nobody is called, when nothing in it changed', async () => {
    const { accept, network, socket } = start()
    accept()
    const before = socket.getSnapshot()
    let calls = 0
    socket.onChange(() => calls++)
    socket.connect()
    network.page.setHidden(false)
    socket.send({ type: 'leaves at once' })
    expect(socket.getSnapshot()).toBe(before)
    expect(calls).toBe(0)
    socket.disconnect()
    const closed = socket.getSnapshot()
    expect(calls).toBeGreaterThan(0)
    calls = 0
    socket.disconnect()
    expect(socket.getSnapshot()).toBe(closed)
    expect(calls).toBe(0)
  })
})

describe('a token', () => {
  const secured = (token: () => string | Promise<string>) => {
    const story = start({ token, protocol: undefined as never })
    const tokens = (): unknown[] =>
      story.network.sockets.flatMap(socket =>
        socket
          .messages()
          .filter(({ type }) => type === 'auth')
          .map(({ data }) => (data as { token: string }).token),
      )
    return { ...story, tokens }
  }

  test('that is refused for good is asked for anew when the user connects again', async () => {
    let asked = 0
    const { accept, network, socket, clock, tokens } = secured(() => `t${++asked}`)
    accept()
    network.socket().close(4401)
    await clock.advance(4000)
    accept()
    network.socket().close(4401)
    expect(socket.status).toBe('ERROR')
    socket.connect()
    accept()
    expect(tokens()).toEqual(['t1', 't2', 't3'])
  })

  test('that setToken() brings while a function is still being asked is not overwritten', async () => {
    let bring = (_token: string): void => {}
    const { accept, socket, clock, tokens } = secured(
      () =>
        new Promise(resolve => {
          bring = resolve
        }),
    )
    socket.setToken('new')
    bring('old')
    await clock.settle()
    accept()
    expect(tokens()).toEqual(['new'])
  })

  test('is asked for once, though a dial and a poll want it', async () => {
    let asked = 0
    const story = start({
      fallback: { afterMs: 100 },
      token: () => {
        asked++
        return new Promise(() => {})
      },
    })
    await story.clock.advance(200)
    expect(story.socket.status).toBe('FALLBACK')
    expect(asked).toBe(1)
  })
})

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { FakeRequest } from 'resilient-websocket/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Story, start } from './support.ts'
import { startV1 } from './v1-support.ts'

const HTML = '<!doctype html><title>My app</title><div id="root"></div>'
const asHtml = { 'content-type': 'text/html; charset=utf-8' }

/** A client on fallback, whose first poll is on its way, and whose WebSocket is not probed by itself. */
const fallBack = async (options: Parameters<typeof start>[0] = {}): Promise<Story> => {
  const { fallback = {}, ...others } = options
  const story = start({
    reconnect: { maxAttempts: 0 },
    fallback: { probeIntervalMs: 1e9, ...fallback },
    ...others,
  })
  story.network.socket().fail()
  await story.clock.settle()
  expect(story.socket.status).toBe('FALLBACK')
  // The dial that failed is not what these stories are about.
  story.errors.length = 0
  return story
}

/** What the `poll` event says. */
const pollsOf = ({ socket }: Story): unknown[] => {
  const polls: unknown[] = []
  socket.on('poll', poll => polls.push(poll))
  return polls
}

const warnings = ({ log }: Story): string[] => log.filter(line => line.startsWith('warn'))

describe('a conditional request', () => {
  /** Across origins, where the preflight forbids `If-None-Match`. */
  const forbid = (request: FakeRequest): void => {
    if (request.headers.has('if-none-match')) request.fail(new TypeError('Failed to fetch'))
    else request.answer({ n: 1 }, { headers: { etag: '"x"' } })
  }

  test('that fails is made without its condition the next time', async () => {
    const { network, clock, messages } = await fallBack()
    network.onRequest = forbid
    forbid(network.request())
    await clock.advance(10_000)
    const conditions = network.requests.map(({ headers }) => headers.get('if-none-match'))
    expect(conditions).toEqual([null, '"x"', null])
    expect(messages).toHaveLength(2)
  })

  test('that fails time after time is no longer made, with one warning', async () => {
    const story = await fallBack()
    const { network, clock, errors } = story
    network.onRequest = forbid
    forbid(network.request())
    await clock.advance(100_000)
    expect(network.requests).toHaveLength(21)
    expect(errors.filter(message => message === 'Failed to fetch')).toHaveLength(2)
    expect(warnings(story)).toEqual([expect.stringContaining('If-None-Match')])
  })

  test('that failed in an outage is made again after it', async () => {
    const { network, clock } = await fallBack()
    const conditions = () => network.requests.filter(({ headers }) => headers.has('if-none-match'))
    const good = (request: FakeRequest): void => {
      const known = request.headers.has('if-none-match')
      request.answer({}, known ? { status: 304 } : { headers: { etag: '"x"' } })
    }
    good(network.request())
    network.onRequest = good
    for (let outage = 1; outage <= 4; outage++) {
      await clock.advance(10_000)
      network.onRequest = request => request.fail()
      await clock.advance(10_000)
      network.onRequest = good
    }
    const before = conditions().length
    await clock.advance(20_000)
    expect(conditions().length).toBe(before + 3)
  })
})

describe('no news', () => {
  test.each([
    ['204', undefined, { status: 204 }],
    ['205', undefined, { status: 205 }],
    ['an empty 200', '', { status: 200 }],
    ['a 200 of blank lines', '\r\n\r\n', { status: 200 }],
    ['an empty 200 that calls itself HTML', '', { status: 200, headers: asHtml }],
  ])('%s is neither an error nor a message', async (_name, body, init) => {
    const parse = vi.fn(() => [])
    for (const fallback of [{}, { parse }]) {
      const story = await fallBack({ fallback })
      const polls = pollsOf(story)
      story.network.request().answer(body, init)
      await story.clock.advance(5000)
      expect(story.errors).toEqual([])
      expect(story.messages).toEqual([])
      expect(polls).toEqual([{ status: init.status, messages: 0 }])
      expect(story.network.requests).toHaveLength(2)
    }
    expect(parse).not.toHaveBeenCalled()
  })
})

describe('an HTML page', () => {
  test.each([
    ['that says so', HTML, asHtml],
    ['as XHTML', '<?xml version="1.0"?><html/>', { 'content-type': 'application/xhtml+xml' }],
    ['without a content-type', ` \n${HTML}`, { 'content-type': '' }],
  ])('%s, with 200, is no fallback: said once, and redials go on', async (_name, body, headers) => {
    const story = await fallBack()
    const { network, clock, socket, errors, messages } = story
    network.request().answer(body, { headers })
    await clock.settle()
    expect(socket.status).toBe('RECONNECTING')
    expect(errors).toEqual([expect.stringMatching(/^No fallback at .*HTML.*fallback\.url/)])
    expect(warnings(story)).toHaveLength(1)
    story.refuseAll()
    await clock.advance(200_000)
    expect(network.requests).toHaveLength(1)
    expect(messages).toEqual([])
  })

  test.each([200, 201, 203])('with %i is no fallback', async status => {
    const { network, clock, socket } = await fallBack()
    network.request().answer(HTML, { status, headers: asHtml })
    await clock.settle()
    expect(socket.status).toBe('RECONNECTING')
  })

  test.each([
    [401, 'ERROR'],
    [403, 'ERROR'],
    [404, 'RECONNECTING'],
    [429, 'FALLBACK'],
    [500, 'FALLBACK'],
    [503, 'FALLBACK'],
    [511, 'FALLBACK'],
  ])('with %i is judged by its status: %s', async (status, expected) => {
    const { network, clock, socket } = await fallBack()
    network.request().answer(HTML, { status, headers: asHtml })
    await clock.settle()
    expect(socket.status).toBe(expected)
    expect(socket.error?.message).toContain(`${status}`)
  })

  test('is what `parse` gets as text, where there is one', async () => {
    const parse = (body: unknown) => [
      { type: 'title', data: `${body}`.match(/<title>(.*?)</)?.[1] },
    ]
    const { network, clock, socket, messages } = await fallBack({ fallback: { parse } })
    network.request().answer(HTML, { headers: asHtml })
    await clock.settle()
    expect(socket.status).toBe('FALLBACK')
    expect(messages).toEqual([{ type: 'title', data: 'My app' }])
  })

  test('that is none is JSON, whatever it calls itself', async () => {
    const { network, clock, messages } = await fallBack()
    network.request().answer({ n: 1 }, { headers: asHtml })
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: { n: 1 } }])
  })
})

describe('"no fallback here" is forgotten', () => {
  const missing = async (): Promise<Story> => {
    const story = await fallBack()
    story.network.request().answer(HTML, { headers: asHtml })
    await story.clock.settle()
    expect(story.socket.status).toBe('RECONNECTING')
    return story
  }

  test('by `online`', async () => {
    const { network, clock, socket, refuseAll } = await missing()
    refuseAll()
    network.page.setOnline(true)
    await clock.settle()
    expect(socket.status).toBe('FALLBACK')
    expect(network.requests).toHaveLength(2)
  })

  test('after the next OPEN', async () => {
    const { network, clock, socket, messages, accept, refuseAll } = await missing()
    await clock.advance(30_000)
    accept()
    expect(socket.status).toBe('OPEN')
    await clock.advance(10_000)
    refuseAll()
    network.socket().close(1006)
    network.onRequest = request => request.answer({ n: 1 })
    await clock.advance(4000)
    expect(socket.status).toBe('FALLBACK')
    expect(messages).toEqual([{ type: 'snapshot', data: { n: 1 } }])
  })

  test('not by a tab that is shown again', async () => {
    const { network, clock, socket, refuseAll } = await missing()
    refuseAll()
    network.page.setHidden(true)
    network.page.setHidden(false)
    await clock.settle()
    expect(socket.status).toBe('RECONNECTING')
    expect(network.requests).toHaveLength(1)
  })
})

describe('Retry-After', () => {
  const inSeconds = (clock: Story['clock'], seconds: number): string =>
    new Date(clock.now() + seconds * 1000).toUTCString()

  const waitsExactly = async ({ network, clock }: Story, ms: number): Promise<void> => {
    await clock.advance(ms - 1)
    expect(network.requests).toHaveLength(1)
    await clock.advance(1)
    expect(network.requests).toHaveLength(2)
  }

  test.each([-3_600_000, 3_600_000])(
    "a date counts from the answer's own Date, whatever our clock says (off by %i ms)",
    async off => {
      const story = await fallBack()
      const { network, clock } = story
      const headers = { date: inSeconds(clock, 0), 'retry-after': inSeconds(clock, 20) }
      clock.jump(off)
      network.request().answer('', { status: 503, headers })
      await waitsExactly(story, 20_000)
    },
  )

  test('a date holds for an hour at most', async () => {
    const story = await fallBack()
    const { network, clock } = story
    const headers = { date: inSeconds(clock, 0), 'retry-after': inSeconds(clock, 86_400) }
    network.request().answer('', { status: 503, headers })
    await waitsExactly(story, 3_600_000)
  })

  test.each([undefined, 'yesterday'])(
    'where the Date cannot be read (%s) a date holds for a minute at most',
    async date => {
      const story = await fallBack()
      const { network, clock } = story
      const headers = { 'retry-after': inSeconds(clock, 600), ...(date && { date }) }
      network.request().answer('', { status: 503, headers })
      await waitsExactly(story, 60_000)
    },
  )

  test.each(['-20', '0', 'NaN', 'Infinity', '1e9', '0x1000', '', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    '%s asks for nothing',
    async value => {
      const story = await fallBack()
      story.network.request().answer('', { status: 429, headers: { 'retry-after': value } })
      await waitsExactly(story, 5000)
    },
  )

  test('more digits than any number has are an hour', async () => {
    const story = await fallBack()
    const headers = { 'retry-after': '9'.repeat(400) }
    story.network.request().answer('', { status: 429, headers })
    await waitsExactly(story, 3_600_000)
  })
})

describe('an async `fallback.parse`', () => {
  test('is awaited', async () => {
    const parse = async (body: unknown) => [{ type: 'tick', data: body }]
    const { network, clock, messages, errors } = await fallBack({ fallback: { parse } })
    network.request().answer(1)
    await clock.settle()
    expect(messages).toEqual([{ type: 'tick', data: 1 }])
    expect(errors).toEqual([])
  })

  test.each([
    ['rejects', async () => Promise.reject(new Error('no prices'))],
    [
      'throws',
      () => {
        throw new Error('no prices')
      },
    ],
  ])('that %s is one error that names it, and polling goes on', async (_name, parse) => {
    const { network, clock, errors } = await fallBack({ fallback: { parse } })
    network.request().answer({})
    await clock.advance(5000)
    expect(errors).toEqual(['fallback.parse: no prices'])
    expect(network.requests).toHaveLength(2)
  })

  test('that never answers costs its poll and no more', async () => {
    const parse = () => new Promise<never>(() => {})
    const { network, clock, errors } = await fallBack({ fallback: { parse } })
    network.request().answer({})
    await clock.advance(15_000)
    expect(errors).toEqual([expect.stringContaining('no answer in 10000 ms')])
    expect(network.requests).toHaveLength(2)
  })

  test('that answers too late, or after close(), is not heard', async () => {
    const late: ((messages: unknown[]) => void)[] = []
    const parse = () => new Promise<unknown[]>(resolve => late.push(resolve))
    const { network, clock, socket, messages } = await fallBack({ fallback: { parse } })
    network.request().answer({})
    await clock.advance(15_000)
    network.request().answer({})
    await clock.settle()
    socket.close()
    for (const resolve of late) resolve([{ type: 'tick' }])
    await clock.settle()
    expect(late).toHaveLength(2)
    expect(messages).toEqual([])
    expect(clock.pending()).toBe(0)
  })

  test.each([[{}], ['text'], [7], [true]])(
    'what is no array (%j) is one error that names it',
    async given => {
      for (const parse of [() => given, async () => given]) {
        const { network, clock, errors, messages } = await fallBack({
          fallback: { parse: parse as never },
        })
        network.request().answer({})
        await clock.settle()
        expect(errors).toEqual([
          expect.stringMatching(/^fallback\.parse: expected an array of messages, got/),
        ])
        expect(messages).toEqual([])
      }
    },
  )

  test('what gives nothing leaves the body to the client', async () => {
    const { network, clock, messages } = await fallBack({
      fallback: { parse: (async () => undefined) as never },
    })
    network.request().answer(7)
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: 7 }])
  })
})

describe('a body', () => {
  test.each([
    [null],
    [[]],
    [[1, null]],
    [0],
    [false],
    ['text'],
    [{ protocol: 1 }],
    [{ protocol: 1, messages: {} }],
  ])('%j is one snapshot', async body => {
    const { network, clock, messages, errors } = await fallBack()
    network.request().answer(JSON.stringify(body))
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: body }])
    expect(errors).toEqual([])
  })

  test.each([
    ['{"price":', 'application/json'],
    ['price;12', 'text/csv'],
    ['<svg/>', 'image/svg+xml'],
    ['\u0000\u0001', 'application/octet-stream'],
  ])('%j is an error that says what was expected and what came', async (body, type) => {
    const { network, clock, errors } = await fallBack()
    network.request().answer(body, { headers: { 'content-type': type } })
    await clock.advance(5000)
    expect(errors).toEqual([expect.stringContaining(`Poll failed: expected JSON, got ${type}`)])
    expect(network.requests).toHaveLength(2)
  })

  test('that is no JSON is what `parse` gets as text, but not half of one that should be', async () => {
    const parse = (body: unknown) => [{ type: 'text', data: body }]
    const { network, clock, messages, errors } = await fallBack({ fallback: { parse } })
    network.request().answer('AAPL;12', { headers: { 'content-type': 'text/csv' } })
    await clock.advance(5000)
    network
      .request()
      .answer('{"AAPL":1', { headers: { 'content-type': 'application/problem+json' } })
    await clock.settle()
    expect(messages).toEqual([{ type: 'text', data: 'AAPL;12' }])
    expect(errors).toEqual([expect.stringContaining('expected JSON')])
  })

  test('that breaks off is an error, and polling goes on', async () => {
    const { network, clock, errors } = await fallBack()
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"price":'))
        controller.error(new TypeError('terminated'))
      },
    })
    network.request().answer(stream)
    await clock.advance(5000)
    expect(errors).toEqual(['terminated'])
    expect(network.requests).toHaveLength(2)
  })

  test('in pieces, cut inside a character, is read whole', async () => {
    const { network, clock, messages } = await fallBack()
    const bytes = new TextEncoder().encode('\ufeff{"price":"12 €"}')
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    network.request().answer(stream)
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: { price: '12 €' } }])
  })

  test('that is over by no end of its own is given up, also where the abort is not heard', async () => {
    const { network, clock, errors } = await fallBack()
    const cancel = vi.fn()
    network.request().answer(new ReadableStream({ cancel }))
    await clock.advance(10_000)
    expect(cancel).toHaveBeenCalledTimes(1)
    expect(errors).toEqual([expect.stringContaining('no answer in 10000 ms')])
  })

  test.each(['GET', 'POST'])('announced as larger than 16 MiB is not read (%s)', async method => {
    const body = new ReadableStream({ pull: () => pulled() }, { highWaterMark: 0 })
    const pulled = vi.fn()
    const headers = { 'content-length': `${16 * 1024 * 1024 + 1}` }
    if (method === 'GET') {
      const { network, clock, errors } = await fallBack()
      network.request().answer(body, { headers })
      await clock.settle()
      expect(errors).toEqual([expect.stringContaining('expected at most 16777216 bytes')])
    } else {
      const { answerPost, errors } = await posting()
      await answerPost(body, { headers })
      expect(errors).toEqual([expect.stringContaining('expected at most 16777216 bytes')])
    }
    expect(pulled).not.toHaveBeenCalled()
  })

  test('without a stream is read all the same, as React Native and mocks of fetch have it', async () => {
    for (const part of [{ text: async () => '{"n":1}' }, { json: async () => ({ n: 1 }) }]) {
      const answer = { ok: true, status: 200, headers: new Headers(), ...part }
      const fetch = (async () => answer) as unknown as typeof globalThis.fetch
      const { messages } = await fallBack({ environment: { fetch } })
      expect(messages).toEqual([{ type: 'snapshot', data: { n: 1 } }])
    }
  })

  test('that is too large makes the next polls ask for less', async () => {
    const { network, clock, socket } = await fallBack()
    socket.subscribe(Array.from({ length: 100 }, (_, index) => `channel-${index}`))
    const asked: number[] = []
    network.onRequest = request => {
      const count = new URL(request.url).searchParams.get('symbols')?.split(',').length ?? 0
      asked.push(count)
      const headers = { 'content-length': count > 30 ? '99999999' : '2' }
      request.answer({}, { headers })
    }
    network.request().answer({})
    await clock.advance(30_000)
    expect(asked.slice(0, 2)).toEqual([100, expect.any(Number)])
    expect(Math.max(...asked.slice(-4))).toBeLessThanOrEqual(30)
    expect(asked.at(-1)).toBeGreaterThan(1)
  })
})

describe('a status', () => {
  test.each([206, 302, 400, 407, 408, 412, 451, 502, 511])(
    '%i is an error with its number, and polling goes on',
    async status => {
      const story = await fallBack()
      const polls = pollsOf(story)
      const { network, clock, errors, messages } = story
      network.request().answer('{"n":1}', { status })
      await clock.advance(5000)
      expect(errors).toEqual([expect.stringContaining(`HTTP ${status}`)])
      expect(messages).toEqual([])
      expect(polls).toEqual([])
      expect(network.requests).toHaveLength(2)
    },
  )

  test.each(['opaque', 'opaqueredirect', 'error'])('none at all (%s) is an error', async type => {
    const { network, clock, errors } = await fallBack()
    const response = Response.error()
    Object.defineProperty(response, 'type', { value: type })
    network.request().answer(response)
    await clock.advance(5000)
    expect(errors).toEqual([expect.stringMatching(new RegExp(`can be read.*${type}`))])
    expect(network.requests).toHaveLength(2)
  })
})

describe('a copy of an old answer', () => {
  const at = ({ clock }: Story, ms = 0) => new Date(clock.now() + ms).toUTCString()

  /** As a service worker answers that asks the network first, and its cache without one. */
  const networkFirst = (story: Story, body: () => unknown) => {
    let online = true
    let kept: [unknown, ResponseInit] | undefined
    const answer = (request: FakeRequest): void => {
      if (online) kept = [body(), { headers: { date: at(story) } }]
      if (kept) request.answer(...kept)
      else request.fail()
    }
    story.network.onRequest = answer
    answer(story.network.request())
    return {
      goOffline() {
        online = false
      },
      comeBack() {
        online = true
      },
    }
  }

  test('from a service worker is neither news nor a good poll, and is told once', async () => {
    const story = await fallBack()
    const { clock, errors, messages, socket } = story
    const polls = pollsOf(story)
    let n = 0
    const worker = networkFirst(story, () => ++n)
    await clock.advance(10_000)
    expect(messages.map(({ data }) => data)).toEqual([1, 2, 3])
    worker.goOffline()
    await clock.advance(60_000)
    expect(messages).toHaveLength(3)
    expect(polls).toHaveLength(3)
    expect(errors).toEqual([expect.stringMatching(/copy.*service worker/)])
    expect(warnings(story)).toHaveLength(1)
    worker.comeBack()
    await clock.advance(10_000)
    expect(messages.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5])
    worker.goOffline()
    await clock.advance(10_000)
    expect(errors.filter(message => message.includes('copy'))).toHaveLength(2)
    expect(socket.status).toBe('FALLBACK')
  })

  test.each([
    ['by its Age', (_story: Story) => ({ age: '3600' })],
    ['by its Date', (story: Story) => ({ date: at(story, -3_600_000) })],
    [
      'by its Date, beside an Age that stands still',
      (story: Story) => ({ age: '3', date: at(story, -3_600_000) }),
    ],
  ])('is known %s, also on the first poll', async (_name, headersFor) => {
    const story = await fallBack()
    const { network, clock, errors, messages } = story
    const headers = headersFor(story)
    network.onRequest = request => request.answer({ price: 1 }, { headers })
    network.request().answer({ price: 1 }, { headers })
    await clock.advance(60_000)
    expect(messages).toEqual([])
    expect(errors).toEqual([expect.stringContaining('3600 s old')])
  })

  test.each([-86_400_000, 86_400_000])(
    'is not what comes from a server whose clock differs from ours by %i ms',
    async off => {
      const story = await fallBack()
      const { network, clock, messages } = story
      const answer = (request: FakeRequest) =>
        request.answer({}, { headers: { date: at(story, off) } })
      network.onRequest = answer
      answer(network.request())
      await clock.advance(60_000)
      // Only the first cannot be told from a copy.
      expect(messages).toHaveLength(off < 0 ? 12 : 13)
    },
  )

  test('is not what comes after our clock was set forward', async () => {
    const story = await fallBack()
    const { network, clock, messages, errors } = story
    const serverStarts = clock.now() - clock.monotonicNow()
    const answer = (request: FakeRequest) => {
      const date = new Date(serverStarts + clock.monotonicNow()).toUTCString()
      request.answer({}, { headers: { date } })
    }
    network.onRequest = answer
    answer(network.request())
    await clock.advance(10_000)
    clock.jump(86_400_000)
    await clock.advance(10_000)
    expect(messages).toHaveLength(5)
    expect(errors).toEqual([])
  })

  test('is taken from a cache that says that it is less than a minute old', async () => {
    const story = await fallBack()
    const { network, clock, messages, errors } = story
    let made = clock.now()
    const answer = (request: FakeRequest) => {
      if (clock.now() - made >= 30_000) made = clock.now()
      const age = `${Math.floor((clock.now() - made) / 1000)}`
      request.answer({}, { headers: { age, date: new Date(made).toUTCString() } })
    }
    network.onRequest = answer
    answer(network.request())
    await clock.advance(100_000)
    expect(messages).toHaveLength(21)
    expect(errors).toEqual([])
  })

  test('is not what two servers give whose clocks differ a little', async () => {
    const story = await fallBack()
    const { network, clock, messages, errors } = story
    let n = 0
    const answer = (request: FakeRequest) =>
      request.answer({}, { headers: { date: at(story, ++n % 2 ? 20_000 : 0) } })
    network.onRequest = answer
    answer(network.request())
    await clock.advance(50_000)
    expect(messages).toHaveLength(11)
    expect(errors).toEqual([])
  })

  test('is not what answers two polls within a second', async () => {
    const story = await fallBack({ fallback: { intervalMs: 100, probeIntervalMs: 1e9 } })
    const { network, clock, messages, errors } = story
    const answer = (request: FakeRequest) => request.answer({}, { headers: { date: at(story) } })
    network.onRequest = answer
    answer(network.request())
    await clock.advance(5000)
    expect(messages).toHaveLength(51)
    expect(errors).toEqual([])
  })

  test('does not hurry the WebSocket', async () => {
    const story = await fallBack()
    const { network, clock, refuseAll } = story
    refuseAll()
    const worker = networkFirst(story, () => ({}))
    await clock.advance(10_000)
    network.onRequest = request => request.fail()
    await clock.advance(10_000)
    expect(network.sockets).toHaveLength(1)
    worker.goOffline()
    const old = { date: at(story, -300_000) }
    network.onRequest = request => request.answer({}, { headers: old })
    await clock.advance(10_000)
    expect(network.sockets).toHaveLength(1)
    network.onRequest = request => request.answer({}, { headers: { date: at(story) } })
    await clock.advance(5000)
    expect(network.sockets).toHaveLength(2)
  })
})

describe('a poll that succeeds after failures', () => {
  test('dials the WebSocket at once', async () => {
    const { network, clock, socket, accept } = await fallBack()
    network.request().fail()
    await clock.advance(5000)
    network.request().answer('', { status: 502 })
    await clock.advance(5000)
    expect(network.sockets).toHaveLength(1)
    network.request().answer({})
    await clock.settle()
    expect(network.sockets).toHaveLength(2)
    // This one was answered without help: no more dials.
    expect(network.requests).toHaveLength(3)
    accept()
    expect(socket.status).toBe('OPEN')
  })

  test('dials once, and not again for the polls after it', async () => {
    const { network, clock, refuseAll } = await fallBack()
    refuseAll()
    network.request().fail()
    network.onRequest = request => request.answer({})
    await clock.advance(60_000)
    expect(network.sockets).toHaveLength(2)
  })

  test('replaces a dial that was made in the outage, and hangs', async () => {
    const { network, clock, socket, accept } = await fallBack({
      fallback: { probeIntervalMs: 7000 },
      connectTimeoutMs: 60_000,
    })
    network.request().fail()
    network.chance.push(0.5)
    await clock.advance(7000)
    expect(network.sockets).toHaveLength(2)
    network.request().fail()
    await clock.advance(5000)
    network.request().answer({})
    await clock.settle()
    expect(network.sockets).toHaveLength(3)
    expect(network.sockets[1]?.listeners()).toBe(0)
    accept()
    expect(socket.status).toBe('OPEN')
  })

  test('leaves a dial alone that is younger than the poll', async () => {
    const { network, clock, socket } = await fallBack()
    network.request().fail()
    await clock.settle()
    socket.connect()
    await clock.settle()
    expect(network.sockets).toHaveLength(2)
    network.request().answer({})
    await clock.settle()
    expect(network.sockets).toHaveLength(2)
  })

  test('a POST that fails, and a stay in FALLBACK that is over, are no such failures', async () => {
    const { network, clock, answerPost, sockets } = await posting()
    await answerPost('', { status: 500 })
    network.request().answer({ protocol: 1, messages: [], channels: {} })
    await clock.settle()
    expect(network.sockets).toHaveLength(sockets)
  })
})

/** A client of protocol v1 on fallback, with one message that is being POSTed. */
const posting = async () => {
  const story = startV1({ reconnect: { maxAttempts: 0 }, fallback: { probeIntervalMs: 1e9 } })
  const { network, clock, socket, errors } = story
  await story.agree()
  network.socket().close(1006)
  await clock.settle()
  const delivery = socket.send({ type: 'order' })
  network.request().answer({ protocol: 1, messages: [], channels: {} })
  await clock.settle()
  expect(network.request().method).toBe('POST')
  errors.length = 0
  const posts = () => network.requests.filter(({ method }) => method === 'POST')
  return {
    ...story,
    delivery,
    posts,
    sockets: network.sockets.length,
    async answerPost(body: unknown, init?: ResponseInit) {
      network.request().answer(body, init)
      await clock.settle()
    },
    async pollAgain() {
      await clock.advance(5000)
      expect(network.request().method).toBe('GET')
      network.request().answer({ protocol: 1, messages: [], channels: {} })
      await clock.settle()
    },
  }
}

describe('an answer to a POST', () => {
  test.each<[name: string, body: unknown, init?: ResponseInit]>([
    ['204', undefined, { status: 204 }],
    ['an empty 200', ''],
    ['an HTML page', HTML, { headers: asHtml }],
    ['text', 'OK', { headers: { 'content-type': 'text/plain' } }],
    ['half of it', '{"tok":"tok","ack"'],
    ['null', null],
    ['an array', []],
    ['a number', '7'],
    ["somebody else's JSON", { status: 'ok' }],
    ['an ack that is no number', { tok: 'tok', ack: '1' }],
    ['a part of it', { tok: 'tok', ack: 1 }, { status: 206 }],
    ['a redirect', '', { status: 302 }],
    ['500', '', { status: 500 }],
    ['404', '', { status: 404 }],
  ])(
    '%s: one error; the message goes out again after the next poll, not before',
    async (_name, body, init) => {
      const story = await posting()
      const { network, clock, delivery, posts, errors, socket } = story
      await story.answerPost(body, init)
      expect(errors).toHaveLength(1)
      expect(errors[0]).toMatch(/^Post failed: /)
      await clock.advance(4999)
      expect(posts()).toHaveLength(1)
      expect(delivery.state).toBe('in-flight')
      await clock.advance(1)
      network.request().answer({ protocol: 1, messages: [], channels: {} })
      await clock.settle()
      expect(posts()).toHaveLength(2)
      await story.answerPost({ tok: 'tok', ack: 1 })
      expect(delivery.state).toBe('acked')
      expect(socket.status).toBe('FALLBACK')
    },
  )
})

describe('on real sockets', () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  const serve = async (answer: (response: ServerResponse) => void): Promise<string> => {
    const server = createServer((_request, response) => answer(response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/poll`
  }

  test('a body without end is given up after 16 MiB, and its connection is closed', async () => {
    let written = 0
    let closed: (() => void) | undefined
    const over = new Promise<void>(resolve => {
      closed = resolve
    })
    const chunk = Buffer.alloc(65_536, ' ')
    const url = await serve(response => {
      const write = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length
      }
      response.on('drain', write)
      response.on('close', () => closed?.())
      write()
    })
    const story = start({
      reconnect: { maxAttempts: 0 },
      fallback: { url },
      environment: { fetch: globalThis.fetch },
    })
    const failed = new Promise<string>(resolve => {
      story.socket.on('error', ({ code, message }) => code === 'POLL' && resolve(message))
    })
    story.network.socket().fail()
    expect(await failed).toContain('expected at most 16777216 bytes')
    await over
    expect(written).toBeLessThan(32 * 1024 * 1024)
    story.socket.close()
  })

  test('a small body that unpacks to 64 MiB is given up, too', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
    const url = await serve(response => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(bomb)
    })
    const story = start({
      reconnect: { maxAttempts: 0 },
      fallback: { url },
      environment: { fetch: globalThis.fetch },
    })
    const failed = new Promise<string>(resolve => {
      story.socket.on('error', ({ code, message }) => code === 'POLL' && resolve(message))
    })
    story.network.socket().fail()
    expect(await failed).toContain('expected at most 16777216 bytes')
    story.socket.close()
  })
})

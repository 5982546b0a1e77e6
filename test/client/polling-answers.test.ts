import type { FakeRequest } from 'resilient-websocket/testing'
import { describe, expect, test, vi } from 'vitest'
import { asHtml, fallBack, HTML, pollsOf, posting, warnings } from './polling-support.ts'
import type { Story } from './support.ts'

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

  test('whose answer cannot be used is no reason to give conditions up', async () => {
    const parse = (body: unknown) => {
      if (body === 'bad') throw new Error('bad')
      return []
    }
    const story = await fallBack({ fallback: { parse } })
    const { network, clock } = story
    let n = 0
    const answer = (request: FakeRequest) =>
      request.answer(JSON.stringify(n++ % 2 ? 'bad' : 'good'), { headers: { etag: `"${n}"` } })
    network.onRequest = answer
    answer(network.request())
    await clock.advance(50_000)
    const conditions = network.requests.map(({ headers }) => headers.get('if-none-match'))
    expect(conditions.slice(-4)).toEqual(['"7"', null, '"9"', null])
    expect(warnings(story)).toEqual([])
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
    'that gives no array (%j) is one error that names it',
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

  test('that gives nothing leaves the body to the client', async () => {
    const { network, clock, messages } = await fallBack({
      fallback: { parse: (async () => undefined) as never },
    })
    network.request().answer(7)
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: 7 }])
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

test('an element of a v1 answer that is no message is one error, and the others come', async () => {
  const { network, clock, socket, messages, errors } = await fallBack()
  const codes: string[] = []
  socket.on('error', ({ code }) => codes.push(code))
  const wrong = [null, 7, 'text', [], {}, { type: 7 }]
  const body = { protocol: 1, messages: [...wrong, { type: 'tick', data: 1 }], channels: [null] }
  network.request().answer(body)
  await clock.settle()
  expect(messages).toEqual([{ type: 'tick', data: 1 }])
  expect(codes).toEqual(wrong.map(() => 'BAD_MESSAGE'))
  expect(errors[0]).toContain('expected { type: string }')
})

describe('an answer to a POST', () => {
  test.each([-3_600_000, 3_600_000])(
    'is obeyed where it says when the next request may come (clock off by %i ms)',
    async off => {
      const { network, clock, answerPost } = await posting()
      const inSeconds = (seconds: number) => new Date(clock.now() + seconds * 1000).toUTCString()
      const headers = { date: inSeconds(0), 'retry-after': inSeconds(20) }
      clock.jump(off)
      const before = network.requests.length
      await answerPost('', { status: 429, headers })
      await clock.advance(19_999)
      expect(network.requests).toHaveLength(before)
      await clock.advance(1)
      expect(network.requests).toHaveLength(before + 1)
    },
  )

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
    ['an opaque one', Response.error()],
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

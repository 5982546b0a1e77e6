/** From one server, link or user to another, and what listeners do meanwhile. */
import type { Delivery } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { start } from './support.ts'
import { sentOf, sequence, startV1, ticks, type V1Story, verdict } from './v1-support.ts'

describe('two worlds in one life', () => {
  const placed = (channel: string, offset: number, id = `${channel}${offset}`): object => ({
    type: 'tick',
    channel,
    offset,
    id,
    data: offset,
  })

  /** Polls are answered by `bodies`, POSTs by `posts`; both may look at what came. */
  const serve = (
    story: V1Story,
    polls: (url: string) => object,
    posts: (body: { tok?: string; messages: { seq: number }[] }) => object | number,
  ): string[] => {
    const posted: string[] = []
    story.network.onRequest = request => {
      if (request.method === 'GET') {
        return request.answer({ protocol: 1, messages: [], channels: {}, ...polls(request.url) })
      }
      posted.push(String(request.init?.body))
      const answer = posts(JSON.parse(String(request.init?.body)))
      request.answer(
        typeof answer === 'number' ? {} : answer,
        typeof answer === 'number' ? { status: answer } : {},
      )
    }
    return posted
  }

  const fallen = async (options: Parameters<typeof startV1>[0] = {}): Promise<V1Story> => {
    const story = startV1({ reconnect: { maxAttempts: 0 }, ...options })
    await story.agree()
    story.refuseAll()
    return story
  }

  test('a listener that leaves when it hears of a gap leaves nothing open: the next link begins with hello', async () => {
    const story = startV1()
    const { network, socket, clock } = story
    network.socket().open()
    await clock.advance(1000)
    network.socket().close(1006)
    await clock.advance(4000)
    socket.on('gap', () => socket.disconnect())
    await story.agree()
    expect(socket.status).toBe('CLOSED')
    socket.send({ type: 'a' })
    socket.connect()
    await clock.settle()
    network.socket().open()
    await clock.advance(100)
    expect(network.socket().messages()).toEqual([])
    story.receive('connection', { protocol: 1 })
    story.welcome()
    await clock.settle()
    expect(sequence(network.socket())).toEqual(['1 a'])
  })

  test('what takes a server longer than a POST may is given to it in smaller portions', async () => {
    const story = await fallen({
      fallback: { intervalMs: 100, timeoutMs: 1000, probeIntervalMs: 1e9 },
      queue: { retries: 10 },
    })
    const sizes: number[] = []
    let last = 0
    story.network.onRequest = request => {
      if (request.method === 'GET') {
        return request.answer({ protocol: 1, messages: [], channels: {} })
      }
      const { messages } = JSON.parse(String(request.init?.body)) as { messages: { seq: number }[] }
      sizes.push(messages.length)
      // Without an answer in time; nothing of it is applied.
      if (messages.length > 3) return
      last = messages.at(-1)?.seq ?? last
      request.answer({ tok: 'tok', ack: last, messages: [] })
    }
    const deliveries = Array.from({ length: 10 }, () => story.socket.send({ type: 'a' }))
    story.network.socket().close(1006)
    await story.clock.advance(20_000)
    expect(deliveries.map(({ state }) => state)).toEqual(Array(10).fill('acked'))
    expect(Math.max(...sizes)).toBe(10)
  })

  test('a plain link after a v1 poll delivers everything, says gap, and is the last plain one', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    serve(
      story,
      () => ({ channels: { A: verdict('e', 5, { replayed: 0 }) }, messages: [placed('A', 5)] }),
      () => 500,
    )
    story.socket.subscribe('A')
    story.network.socket().fail()
    await story.clock.settle()
    expect(ticks(story)).toEqual([5])
    story.socket.reconnect()
    // Somebody other than the server that was polled, which knows nothing of v1.
    story.network.socket().open()
    await story.clock.advance(5000)
    expect(story.socket.status).toBe('FALLBACK')
  })

  test('from a plain link to one of v1, and from v1 to a plain one, somebody may have missed something', async () => {
    const story = startV1({ reconnect: { initialDelayMs: 100 } })
    story.socket.subscribe('A')
    story.network.socket().open()
    await story.clock.advance(1000)
    story.receive('tick', 1, { channel: 'A', offset: 1 })
    story.network.socket().close(1006)
    await story.clock.advance(1000)
    await story.agree({ channels: { A: verdict('e', 7) } })
    const told = ['gap A reconnected', 'gap * reconnected']
    expect(story.told).toEqual(told)
    story.network.socket().close(1006)
    await story.clock.advance(1000)
    await story.agree({ channels: { A: verdict('e', 7) } })
    expect(story.told).toEqual([...told, 'recovered A 0'])
  })

  test('a channel that was on a plain link has its word when the server says where it goes on, not before', async () => {
    const story = startV1({ reconnect: { initialDelayMs: 100 } })
    const gaps: unknown[] = []
    story.socket.subscribe('A', () => {}, { onGap: gap => gaps.push(gap) })
    story.network.socket().open()
    await story.clock.advance(1000)
    story.receive('tick', 1, { channel: 'A' })
    story.network.socket().close(1006)
    await story.clock.advance(1000)
    const leave = story.socket.on('gap', () => story.socket.reconnect())
    // The word of all that is on no channel ends this link, and A is told nothing of it.
    await story.agree()
    leave()
    expect(gaps).toEqual([])
    await story.clock.settle()
    await story.agree({ channels: { A: verdict('e', 7) } })
    expect(gaps).toEqual([{ channel: 'A', reason: 'reconnected' }])
    story.socket.subscribe('B')
    await story.clock.settle()
    story.receive('subscribed', { channels: { B: verdict('e', 1) } })
    expect(story.told).toEqual(['gap * reconnected', 'gap A reconnected'])
  })

  test('a channel that was polled from a plain server has its word, too; one that was left meanwhile has none', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    story.network.onRequest = request => request.answer([])
    const left = story.socket.subscribe('B')
    story.socket.subscribe('A')
    story.network.socket().fail()
    await story.clock.settle()
    left.unsubscribe()
    await story.clock.settle()
    story.network.onRequest = () => {}
    story.socket.reconnect()
    story.socket.subscribe('B')
    await story.clock.settle()
    await story.agree({ channels: { A: verdict('e', 7), B: verdict('e', 7) } })
    expect(story.told).toEqual(['gap A reconnected', 'gap * reconnected'])
  })

  test('a link that opens while a poll speaks v1 is waited for as one of v1', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    let speaks = false
    story.network.onRequest = request =>
      request.answer(speaks ? { protocol: 1, messages: [], channels: {} } : [])
    story.network.socket().fail()
    await story.clock.settle()
    story.socket.reconnect()
    story.network.socket().open()
    speaks = true
    await story.clock.advance(4000)
    expect(story.socket.status).toBe('FALLBACK')
    story.receive('connection', { protocol: 1 })
    story.welcome()
    expect(story.socket.status).toBe('OPEN')
  })

  test('positions mean nothing to a plain link: a hole in them silences no channel', async () => {
    const story = startV1()
    story.socket.subscribe('A')
    story.network.socket().open()
    await story.clock.advance(1000)
    for (const offset of [1, 2, 5, 6]) story.receive('tick', offset, { channel: 'A', offset })
    expect(ticks(story)).toEqual([1, 2, 5, 6])
  })

  test('a subscription hears of each reopening of a plain link', async () => {
    const story = start({ reconnect: { initialDelayMs: 100 } })
    const gaps: unknown[] = []
    story.socket.subscribe(['A', 'B'], () => {}, { onGap: gap => gaps.push(gap) })
    story.accept()
    await story.clock.settle()
    story.network.socket().close(1006)
    await story.clock.advance(1000)
    story.accept()
    expect(gaps).toEqual([
      { channel: 'A', reason: 'reconnected' },
      { channel: 'B', reason: 'reconnected' },
    ])
  })

  test('a server that has heard nothing for long is asked before it is given a message', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    let tok = 'tok'
    let last = 0
    const posted = serve(
      story,
      () => ({}),
      body => {
        // Its session is gone, as it may be after its time.
        if (body.tok !== tok) {
          tok = 'next'
          last = 0
        } else for (const { seq } of body.messages) last = seq
        return { tok, ack: last }
      },
    )
    story.network.socket().close(1006)
    await story.clock.advance(70_000)
    tok = 'forgotten'
    const delivery = story.socket.send({ type: 'a' })
    await story.clock.advance(10_000)
    expect(delivery).toMatchObject({ state: 'acked', attempts: 1 })
    expect(posted.map(text => JSON.parse(text).messages.length)).toEqual([0, 1])
  })

  test('so is one in whose place somebody else answered the polls', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    let away = true
    let tok = 'tok'
    const posted = serve(
      story,
      () => (away ? { protocol: undefined, quotes: [] } : {}),
      body => {
        const known = body.tok === tok
        if (!known) tok = 'next'
        return { tok, ack: known ? body.messages.length : 0 }
      },
    )
    story.network.socket().close(1006)
    await story.clock.settle()
    const delivery = story.socket.send({ type: 'a' })
    await story.clock.advance(20_000)
    expect(posted).toEqual([])
    away = false
    tok = 'restarted'
    await story.clock.advance(10_000)
    expect(delivery).toMatchObject({ state: 'acked', attempts: 1 })
  })

  test('tries by POST are used up no faster than polls come', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    const posted = serve(
      story,
      () => ({}),
      () => 503,
    )
    story.network.socket().close(1006)
    await story.clock.settle()
    const deliveries: Delivery[] = []
    for (let count = 0; count < 20; count++) {
      deliveries.push(story.socket.send({ type: 'a' }))
      await story.clock.settle()
    }
    expect(posted).toHaveLength(1)
    await story.clock.advance(10_000)
    expect(posted).toHaveLength(3)
    expect(deliveries.every(({ state }) => state === 'in-flight' || state === 'queued')).toBe(true)
  })

  test('what a listener sends when it hears of a lost session belongs to the new one', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    const tries: Delivery[] = [story.socket.send({ type: 'a' })]
    story.socket.on('delivery', ({ state }) => {
      if (state === 'unknown' && tries.length < 5) tries.push(story.socket.send({ type: 'a' }))
    })
    let current = 'new'
    let contacts = 0
    serve(
      story,
      () => ({}),
      ({ tok, messages }) => {
        const known = tok === current
        if (!known) current = `new${++contacts}`
        return { tok: current, ack: known ? messages.length : 0 }
      },
    )
    story.network.socket().close(1006)
    await story.clock.advance(10_000)
    expect(tries.map(({ state }) => state)).toEqual(['unknown', 'acked'])
  })

  test('who ends the link while it hears of its messages can still post later', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 }, fallback: { probeIntervalMs: 1e9 } })
    await story.agree()
    story.socket.send({ type: 'a' })
    story.socket.reconnect()
    const off = story.socket.on('delivery', () => story.socket.disconnect())
    story.greet()
    story.welcome({ ack: 1 })
    off()
    expect(story.socket.status).toBe('CLOSED')
    let last = 1
    serve(
      story,
      () => ({}),
      ({ messages }) => {
        for (const { seq } of messages) last = seq
        return { tok: 'tok', ack: last }
      },
    )
    story.refuseAll()
    story.socket.connect()
    const delivery = story.socket.send({ type: 'b' })
    await story.clock.advance(10_000)
    expect(delivery.state).toBe('acked')
  })

  test('a channel that was left and is wanted again is polled for anew, whatever its etag', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 }, fallback: { probeIntervalMs: 1e9 } })
    story.network.onRequest = request => {
      if (request.headers.get('if-none-match')) request.answer('', { status: 304 })
      else {
        const body = { protocol: 1, messages: [], channels: { A: verdict('e', 0) } }
        request.answer(body, { headers: { etag: '"same"' } })
      }
    }
    const first = story.socket.subscribe('A')
    await story.clock.settle()
    story.refuseAll()
    story.network.socket().fail()
    await first.ready
    first.unsubscribe()
    await story.clock.settle()
    const second = story.socket.subscribe('A')
    let ready = false
    second.ready.then(() => {
      ready = true
    })
    await story.clock.advance(10_000)
    expect(ready).toBe(true)
  })

  test('`ready` rejects where the server gives no such channel', async () => {
    const story = startV1()
    await story.agree()
    const subscription = story.socket.subscribe(['A', 'secret'])
    const failed = expect(subscription.ready).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: "The server gives no 'secret'",
      channel: 'secret',
    })
    await story.clock.settle()
    const [asked] = sentOf(story.network.socket(), 'subscribe')
    story.receive('subscribed', { channels: { A: verdict('e', 1) } }, { replyTo: asked?.['id'] })
    await failed
  })

  test('one message on two channels is none too many, and the same one twice on a channel is; a key of your own counts alone', async () => {
    for (const [dedupe, expected] of [
      [{}, ['A1', 'B1', 'A3', 'B3']],
      [{ key: ({ id }: { id?: string }) => id }, ['A1', 'A3']],
    ] as const) {
      const story = startV1({ dedupe })
      story.socket.subscribe(['A', 'B'])
      await story.clock.settle()
      await story.agree({ channels: { A: verdict('e', 0), B: verdict('e', 0) } })
      for (const [offset, id] of [
        [1, 'x'],
        [2, 'x'],
        [3, 'y'],
      ] as const) {
        for (const channel of ['A', 'B'])
          story.network.socket().receive(placed(channel, offset, id))
      }
      expect(story.messages.map(({ channel, offset }) => `${channel}${offset}`)).toEqual(expected)
      expect(story.socket.metrics()['duplicate']).toBe(6 - expected.length)
    }
  })

  test('a request that was over the rate is still answered', async () => {
    const story = startV1()
    await story.agree()
    const answer = story.socket.request({ type: 'ask', id: 'q' })
    story.receive('error', {
      code: 'RATE_LIMITED',
      message: 'Slow down',
      id: 'q',
      retryAfterMs: 100,
    })
    await story.clock.advance(100)
    expect(sequence(story.network.socket())).toEqual(['1 ask', '1 ask'])
    story.receive('answer', 42, { replyTo: 'q' })
    expect(await answer).toMatchObject({ data: 42 })
  })

  test('an iteration that begins right after `ready` misses nothing of the frame that brought it', async () => {
    const story = startV1()
    const subscription = story.socket.subscribe('A')
    const seen: unknown[] = []
    const reading = (async () => {
      await subscription.ready
      for await (const { data } of subscription) seen.push(data)
    })()
    await story.clock.settle()
    story.greet()
    story.network
      .socket()
      .receive([
        { type: 'welcome', data: { tok: 'tok', ack: 0, channels: { A: verdict('e', 0) } } },
        placed('A', 1),
        placed('A', 2),
      ])
    await story.clock.settle()
    subscription.unsubscribe()
    await reading
    expect(seen).toEqual([1, 2])
  })

  test('the token of the one before does not go out as the next one', async () => {
    const waiting: ((token: string) => void)[] = []
    const story = startV1({
      reconnect: { maxAttempts: 0 },
      fallback: { probeIntervalMs: 1e9 },
      token: () => new Promise(resolve => waiting.push(resolve)),
    })
    story.refuseAll()
    await story.clock.settle()
    waiting.shift()?.('alice')
    await story.clock.advance(1000)
    story.network.request().answer({}, { status: 401 })
    await story.clock.settle()
    const [alice] = waiting.splice(0)
    story.socket.setIdentity('bob')
    await story.clock.settle()
    alice?.('alice again')
    await story.clock.settle()
    for (const bob of waiting.splice(0)) bob('bob')
    await story.clock.advance(5000)
    const told = story.network.requests.map(({ headers }) => headers.get('authorization'))
    expect(told[0]).toBe('Bearer alice')
    expect(told.slice(1).length).toBeGreaterThan(0)
    expect(new Set(told.slice(1))).toEqual(new Set(['Bearer bob']))
  })

  test('while a POST waits for its token nothing of it has left the queue', async () => {
    const waiting: ((token: string) => void)[] = []
    let asks = false
    const story = await fallen({
      fallback: { probeIntervalMs: 1e9, intervalMs: 500 },
      token: () => (asks ? new Promise<string>(resolve => waiting.push(resolve)) : 'first'),
    })
    const posted = serve(
      story,
      () => ({}),
      ({ messages }) => ({ tok: 'tok', ack: messages.at(-1)?.seq ?? 0 }),
    )
    story.network.socket().close(1006)
    await story.clock.settle()
    asks = true
    story.network.onRequest = request => request.answer({}, { status: 401 })
    await story.clock.advance(500)
    const late = story.socket.send({ type: 'a' }, { ttlMs: 1000 })
    const early = story.socket.send({ type: 'b' })
    const taken = new AbortController()
    const back = story.socket.send({ type: 'c' }, { signal: taken.signal })
    await story.clock.advance(1000)
    taken.abort()
    expect([late.state, early.state, back.state]).toEqual(['rejected', 'queued', 'rejected'])
    serve(
      story,
      () => ({}),
      ({ messages }) => {
        posted.push(JSON.stringify(messages))
        return { tok: 'tok', ack: messages.at(-1)?.seq ?? 0 }
      },
    )
    for (const answer of waiting.splice(0)) answer('second')
    await story.clock.advance(2000)
    expect(early.state).toBe('acked')
    expect(posted.join()).not.toMatch(/"type":"[ac]"/)
  })

  test('what comes with the answer to a POST came now', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9, intervalMs: 1000 } })
    serve(
      story,
      () => ({}),
      ({ messages }) => ({
        tok: 'tok',
        ack: messages.at(-1)?.seq ?? 0,
        messages: messages.map(({ seq }) => ({ type: 'reply', data: seq })),
      }),
    )
    story.network.socket().close(1006)
    await story.clock.advance(60_300)
    story.socket.send({ type: 'a' })
    await story.clock.settle()
    expect(story.socket.getSnapshot()).toMatchObject({
      lastMessage: { type: 'reply' },
      lastMessageAt: story.clock.now(),
    })
  })

  test('a POST that is asked to wait makes the next poll wait, too', async () => {
    const story = await fallen({ fallback: { intervalMs: 500, probeIntervalMs: 1e9 } })
    const polls: number[] = []
    story.network.onRequest = request => {
      if (request.method === 'GET') {
        polls.push(story.clock.now())
        return request.answer({ protocol: 1, messages: [], channels: {} })
      }
      request.answer({}, { status: 503, headers: { 'retry-after': '5' } })
    }
    story.network.socket().close(1006)
    await story.clock.advance(1200)
    const before = polls.length
    story.socket.send({ type: 'a' })
    await story.clock.advance(4900)
    expect(polls.length).toBe(before)
    await story.clock.advance(200)
    expect(polls.length).toBe(before + 1)
  })

  test('what Retry-After asked for holds for the next polling, too', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    let polls = 0
    story.network.onRequest = request => {
      polls++
      request.answer({}, { status: 503, headers: { 'retry-after': '60' } })
    }
    story.network.socket().close(1006)
    await story.clock.settle()
    story.socket.disconnect()
    story.socket.connect()
    await story.clock.advance(50_000)
    expect(story.socket.status).toBe('FALLBACK')
    expect(polls).toBe(1)
    await story.clock.advance(11_000)
    expect(polls).toBe(2)
  })

  test('who is asked to wait by two answers waits as long as the longer one asks', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9, intervalMs: 1000 } })
    serve(
      story,
      () => ({}),
      () => ({ tok: 'tok', ack: 0 }),
    )
    story.network.socket().close(1006)
    await story.clock.settle()
    let polls = 0
    const posts: { answer(body: unknown, how?: object): void }[] = []
    story.network.onRequest = request => {
      if (request.method === 'POST') return posts.push(request)
      polls++
      request.answer({}, { status: 503, headers: { 'retry-after': '60' } })
    }
    story.socket.send({ type: 'a' })
    await story.clock.advance(1000)
    expect([polls, posts.length]).toEqual([1, 1])
    posts[0]?.answer({}, { status: 503, headers: { 'retry-after': '1' } })
    await story.clock.advance(2000)
    // Who wants to be back soon polls at once, where that is allowed.
    story.socket.reconnect()
    await story.clock.advance(55_000)
    expect(polls).toBe(1)
    await story.clock.advance(3000)
    expect(polls).toBe(2)
  })

  test('what an answer asked for while a token was on its way holds for who has waited for it', async () => {
    // A fetch that does not hear its abort.
    const requests: { method: string; answer(status: number, headers?: object): void }[] = []
    const fetch = (_url: unknown, { method = 'GET' }: RequestInit = {}): Promise<Response> =>
      new Promise(resolve =>
        requests.push({
          method,
          answer: (status, headers = {}) =>
            resolve(
              new Response('{"protocol":1,"messages":[],"channels":{}}', {
                status,
                headers: { ...headers },
              }),
            ),
        }),
      )
    const waiting: ((token: string) => void)[] = []
    let asks = false
    const story = await fallen({
      environment: { fetch },
      fallback: { probeIntervalMs: 1e9, intervalMs: 1000 },
      token: () => (asks ? new Promise<string>(resolve => waiting.push(resolve)) : 'first'),
    })
    asks = true
    story.network.socket().close(1006)
    await story.clock.settle()
    requests[0]?.answer(200)
    await story.clock.advance(1000)
    story.socket.send({ type: 'a' })
    await story.clock.settle()
    const [, poll, post] = requests
    expect([poll?.method, post?.method]).toEqual(['GET', 'POST'])
    poll?.answer(401)
    await story.clock.settle()
    post?.answer(503, { 'retry-after': '60' })
    await story.clock.settle()
    for (const answer of waiting) answer('second')
    await story.clock.advance(59_000)
    expect(requests).toHaveLength(3)
    await story.clock.advance(2000)
    expect(requests.length).toBeGreaterThan(3)
  })

  test('a wall clock that is set back does not lengthen what Retry-After asked for', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    let polls = 0
    story.network.onRequest = request => {
      polls++
      if (polls > 1) request.answer({})
      else request.answer({}, { status: 503, headers: { 'retry-after': '2' } })
    }
    story.network.socket().close(1006)
    await story.clock.settle()
    story.clock.jump(-3_600_000)
    await story.clock.advance(60_000)
    expect(polls).toBeGreaterThan(10)
  })

  test('who leaves when it hears of a drop leaves the next message where it was', async () => {
    const story = startV1({ enabled: false })
    story.socket.send({ type: 'welcome' })
    const next = story.socket.send({ type: 'a' })
    story.socket.on('drop', () => story.socket.disconnect())
    story.socket.connect()
    await story.agree()
    expect(next.state).toBe('queued')
    story.socket.close()
    expect(next).toMatchObject({ state: 'rejected', reason: 'closed' })
  })

  test('who leaves when one message is refused costs those before it none of their tries', async () => {
    const story = startV1({ enabled: false, queue: { retries: 0 } })
    const { socket, clock, network } = story
    const first = socket.send({ type: 'a' })
    const reserved = socket.send({ type: 'welcome' })
    const off = socket.on('drop', () => socket.disconnect())
    socket.connect()
    await story.agree()
    expect([first.state, reserved.state]).toEqual(['queued', 'rejected'])
    expect(sequence(network.socket())).toEqual([])
    off()
    socket.connect()
    await clock.settle()
    await story.agree()
    expect(first).toMatchObject({ state: 'in-flight', attempts: 1 })
  })

  test('nothing is given up before the server has said what it applied, by whatever way it comes', async () => {
    for (const way of ['no poll is answered', 'a link is proving itself', 'a token is awaited']) {
      const story = startV1({
        reconnect: { maxAttempts: 0 },
        queue: { retries: 0 },
        fallback: { probeIntervalMs: 1e9, intervalMs: 60_000 },
      })
      const { socket, network, clock } = story
      await story.agree()
      const delivery = socket.send({ type: 'a' })
      await clock.settle()
      network.onRequest = () => {}
      network.socket().close(1006)
      await clock.settle()
      const poll = network.request()
      const answer = (): void => poll.answer({ protocol: 1, messages: [], channels: {} })
      socket.reconnect()
      await clock.settle()
      if (way === 'a token is awaited') {
        answer()
        while (!socket.metrics().poll) await Promise.resolve()
      }
      if (way !== 'no poll is answered') story.greet()
      if (way === 'a link is proving itself') answer()
      await clock.settle()
      socket.send({ type: 'b' })
      await clock.settle()
      if (way === 'no poll is answered') story.greet()
      story.welcome({ ack: 1 })
      expect([way, delivery.state]).toEqual([way, 'acked'])
    }
  })

  test('a server that takes no messages by POST costs no token', async () => {
    let asked = 0
    const story = start({
      reconnect: { maxAttempts: 0 },
      fallback: { probeIntervalMs: 1e9, intervalMs: 1e6, timeoutMs: 2e6 },
      token: () => {
        asked++
        return undefined as never
      },
    })
    story.network.onRequest = request => request.answer({})
    story.network.socket().fail()
    await story.clock.advance(10)
    const before = asked
    story.socket.send({ type: 'a' })
    await story.clock.advance(10)
    expect(asked).toBe(before)
  })

  test('a server that names another session than the one that was asked for is asked before it is given a message', async () => {
    const story = startV1({
      reconnect: { maxAttempts: 0 },
      fallback: { probeIntervalMs: 1e9, intervalMs: 1000 },
    })
    await story.agree()
    const posted = serve(
      story,
      () => ({}),
      ({ tok, messages }) => ({ tok: 'other', ack: tok === 'other' ? messages.length : 0 }),
    )
    story.network.socket().close(1006)
    await story.clock.settle()
    story.socket.reconnect()
    await story.clock.settle()
    story.greet()
    story.receive('welcome', { tok: 7, ack: 0, channels: {} })
    await story.clock.settle()
    const delivery = story.socket.send({ type: 'a' })
    await story.clock.advance(3000)
    expect(delivery.state).toBe('acked')
    expect(posted.map(text => JSON.parse(text).messages.length)).toEqual([0, 1])
  })

  test('who leaves while a body is made leaves no timer and no request', async () => {
    const story = await fallen()
    serve(
      story,
      () => ({}),
      () => 500,
    )
    story.network.socket().close(1006)
    story.socket.on('drop', () => story.socket.disconnect())
    story.socket.send({ type: 'pong' })
    story.socket.send({ type: 'a' })
    await story.clock.advance(3000)
    expect(story.clock.pending()).toBe(0)
    expect(story.network.requests.some(({ method }) => method === 'POST')).toBe(false)
  })

  test('a server that takes nothing at all by POST is asked no faster than it is polled', async () => {
    const story = await fallen({ fallback: { probeIntervalMs: 1e9 } })
    const posted = serve(
      story,
      () => ({}),
      () => 413,
    )
    story.network.socket().close(1006)
    await story.clock.settle()
    const delivery = story.socket.send({ type: 'a' })
    await story.clock.advance(20_000)
    expect(delivery).toMatchObject({ state: 'rejected', reason: 'invalid' })
    expect(posted.length).toBeLessThan(10)
  })

  test('a channel that was subscribed to by hand, and refused, is not ready for others either', async () => {
    const story = startV1()
    await story.agree()
    const byHand = story.socket.send({ type: 'subscribe', data: { channels: ['A'] } })
    const failed = expect(story.socket.subscribe('A').ready).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    await story.clock.settle()
    story.receive('subscribed', { channels: {} }, { replyTo: byHand.id })
    story.receive('ack', { seq: 1 })
    await story.clock.settle()
    const asked = sentOf(story.network.socket(), 'subscribe').at(-1)
    story.receive('subscribed', { channels: {} }, { replyTo: asked?.['id'] })
    await failed
  })

  test('a second subscribe by hand that is taken back does not end the first', async () => {
    const story = startV1()
    await story.agree()
    const subscribe = { type: 'subscribe', data: { channels: ['A'] } }
    story.socket.send(subscribe)
    story.receive('ack', { seq: 1 })
    story.receive('subscribed', { channels: { A: verdict('e', 1) } })
    story.receive('error', { code: 'RATE_LIMITED', message: 'slow', retryAfterMs: 5000 })
    const abort = new AbortController()
    story.socket.send(subscribe, { signal: abort.signal })
    abort.abort()
    await story.clock.advance(10_000)
    expect(sentOf(story.network.socket(), 'unsubscribe')).toEqual([])
  })

  test('a message whose listener changes the user is in no batch of the next one', async () => {
    const story = startV1()
    await story.agree()
    const heard: unknown[] = []
    story.socket.on('batch', batch => heard.push(...batch.map(({ data }) => data)))
    story.socket.on('message', ({ data }) => {
      if (data === 2) story.socket.setIdentity('bob')
    })
    for (const data of [0, 1, 2]) story.receive('x', data)
    await story.clock.advance(1000)
    expect(heard).toEqual([0, 1])
  })

  test('who closes in the batch that comes before a loss still hears CLOSED, and dials no more', async () => {
    const story = startV1()
    await story.agree()
    for (const data of [0, 1]) story.receive('x', data)
    const shown: string[] = []
    story.socket.onChange(() => shown.push(story.socket.getSnapshot().status))
    story.socket.on('batch', () => story.socket.close())
    story.network.socket().close(1006)
    await story.clock.settle()
    expect(story.statuses.at(-1)).toBe('CLOSED')
    expect(shown.at(-1)).toBe('CLOSED')
    expect(story.clock.pending()).toBe(0)
  })

  test('a request of the former user is answered to nobody', async () => {
    const story = startV1()
    await story.agree()
    const answer = story.socket.request({ type: 'ask' })
    const failed = expect(answer).rejects.toMatchObject({ code: 'UNKNOWN' })
    story.receive('ack', { seq: 1 })
    story.socket.setIdentity('bob')
    await failed
  })

  test('a request that is taken back without a reason rejects all the same', async () => {
    const story = startV1()
    await story.agree()
    const abort = new AbortController()
    const failed = expect(story.socket.request({ type: 'ask' }, abort)).rejects.toBe(null)
    abort.abort(null)
    await failed
  })

  test('a late 401 for an older token does not take the newer one', async () => {
    const story = startV1({
      reconnect: { maxAttempts: 0 },
      fallback: { probeIntervalMs: 1e9 },
      token: 'old',
    })
    story.refuseAll()
    story.network.socket().fail()
    await story.clock.settle()
    story.socket.setToken('new')
    story.network.request().answer({}, { status: 401 })
    await story.clock.settle()
    expect(story.socket.status).toBe('FALLBACK')
    expect(story.network.request().headers.get('authorization')).toBe('Bearer new')
  })
})

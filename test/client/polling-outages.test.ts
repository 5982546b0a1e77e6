import type { FakeRequest } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { fallBack, pollsOf, posting, warnings } from './polling-support.ts'
import type { Story } from './support.ts'

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

  test.each([4500, 5500])(
    'leaves a dial alone that began beside the poll (after %i ms)',
    async ms => {
      const { network, clock } = await fallBack({ fallback: { probeIntervalMs: ms } })
      network.request().fail()
      await clock.advance(6000)
      expect([network.requests.length, network.sockets.length]).toEqual([2, 2])
      network.request().answer({})
      await clock.settle()
      expect(network.sockets).toHaveLength(2)
      expect(network.socket().closedByClient).toBeUndefined()
    },
  )

  test('a failure of an earlier stay in FALLBACK is no such failure', async () => {
    const { network, clock, socket, accept } = await fallBack()
    network.request().fail()
    await clock.settle()
    socket.connect()
    await clock.settle()
    accept()
    network.onDial = dialed => queueMicrotask(() => dialed.fail())
    network.socket().close(1006)
    await clock.settle()
    expect(socket.status).toBe('FALLBACK')
    network.request().answer({})
    await clock.advance(5000)
    expect(network.sockets).toHaveLength(2)
  })

  test('a POST that failed is no such failure', async () => {
    const { network, clock, answerPost, sockets } = await posting()
    await answerPost('', { status: 500 })
    network.request().answer({ protocol: 1, messages: [], channels: {} })
    await clock.settle()
    expect(network.sockets).toHaveLength(sockets)
  })
})

test('a poll that is made early takes the place of the one that was planned', async () => {
  const { network, clock, refuseAll } = await fallBack({ fallback: { intervalMs: 5000 } })
  refuseAll()
  network.request().answer({})
  await clock.advance(3000)
  network.page.setOnline(false)
  network.page.setOnline(true)
  await clock.settle()
  expect(network.requests).toHaveLength(2)
  // It is still under way when the planned one was due.
  await clock.advance(4000)
  expect(network.requests).toHaveLength(2)
  network.request().answer({})
  await clock.advance(4999)
  expect(network.requests).toHaveLength(2)
  await clock.advance(1)
  expect(network.requests).toHaveLength(3)
})

import { describe, expect, test, vi } from 'vitest'
import { answerPolls, start } from './support.ts'

const quick = { reconnect: { maxAttempts: 0 } }

/** A client on fallback, whose first poll is on its way. */
const fallBack = async (options: Parameters<typeof start>[0] = {}) => {
  const story = start({ ...quick, ...options })
  story.network.socket().fail()
  await story.clock.settle()
  expect(story.socket.status).toBe('FALLBACK')
  return story
}

describe('polling', () => {
  test('begins at once and goes on 5 s after each answer, never two at a time', async () => {
    const { network, clock } = await fallBack()
    expect(network.requests).toHaveLength(1)
    await clock.advance(8000)
    expect(network.requests).toHaveLength(1)
    network.request().answer({})
    await clock.advance(4999)
    expect(network.requests).toHaveLength(1)
    await clock.advance(1)
    expect(network.requests).toHaveLength(2)
  })

  test('a poll is never cached, and names the channels listened to', async () => {
    const { network, clock, socket } = await fallBack()
    expect(network.request().init).toMatchObject({ cache: 'no-store', redirect: 'error' })
    expect(network.request().url).toBe('http://localhost:3001/api/market/snapshot')
    socket.subscribe(['A', 'B&C', 'D,E'])
    network.request().answer({})
    await clock.advance(5000)
    expect(network.request().url).toMatch(/\?symbols=A,B%26C,D%2CE$/)
  })

  test('a body arrives as one message, or as what `parse` makes of it', async () => {
    const plain = await fallBack()
    plain.network.request().answer({ price: 1 })
    await plain.clock.settle()
    expect(plain.messages).toEqual([{ type: 'snapshot', data: { price: 1 } }])

    const parsed = await fallBack({
      fallback: { parse: body => (body as number[]).map(data => ({ type: 'tick', data })) },
    })
    const batches: unknown[] = []
    parsed.socket.on('batch', batch => batches.push(batch.length))
    parsed.network.request().answer([1, 2, 3])
    await parsed.clock.advance(150)
    expect(parsed.messages.map(({ data }) => data)).toEqual([1, 2, 3])
    expect(batches).toEqual([1, 2])
  })

  test('what polling and the WebSocket both bring is delivered once', async () => {
    const { network, clock, messages, accept } = await fallBack({
      fallback: { parse: body => [body] },
    })
    network.request().answer({ type: 'tick', id: 'one' })
    await clock.advance(34_000)
    accept()
    network.socket().receive({ type: 'tick', id: 'one' })
    network.socket().receive({ type: 'tick', id: 'two' })
    expect(messages.map(({ id }) => id)).toEqual(['one', 'two'])
  })

  test('an unchanged answer is asked for with its ETag, and 304 brings nothing', async () => {
    const { network, clock, messages, socket } = await fallBack()
    const polls: unknown[] = []
    socket.on('poll', poll => polls.push(poll))
    network.request().answer({}, { headers: { etag: '"x"' } })
    await clock.advance(5000)
    expect(network.request().headers.get('if-none-match')).toBe('"x"')
    network.request().answer(null, { status: 304 })
    await clock.settle()
    expect(messages).toHaveLength(1)
    expect(polls).toEqual([
      { status: 200, messages: 1 },
      { status: 304, messages: 0 },
    ])
    socket.subscribe('A')
    await clock.advance(5000)
    expect(network.request().headers.get('if-none-match')).toBeNull()
  })

  test('a poll that takes longer than 10 s is aborted and the next one comes', async () => {
    const { network, clock, errors } = await fallBack()
    await clock.advance(10_000)
    expect(network.request().aborted).toBe(true)
    expect(errors.at(-1)).toContain('no answer in 10000 ms')
    await clock.advance(5000)
    expect(network.requests).toHaveLength(2)
  })

  test('a fetch that ignores its abort does not stall polling', async () => {
    const deaf = (() => new Promise(() => {})) as typeof fetch
    const { clock, errors } = await fallBack({ environment: { fetch: deaf } })
    await clock.advance(40_000)
    expect(errors.filter(message => message.includes('no answer'))).toHaveLength(3)
  })

  test.each([
    ['7', 7000],
    ['3', 5000],
    [new Date(1_700_000_000_000 + 60_000).toUTCString(), 60_000],
    ['soon', 5000],
    ['99999999', 3_600_000],
  ])('Retry-After: %s waits %i ms', async (header, waited) => {
    const { network, clock, socket } = await fallBack({ fallback: { probeIntervalMs: 1e9 } })
    network.request().answer('', { status: 429, headers: { 'retry-after': header } })
    await clock.settle()
    expect(socket.error?.message).toContain('429')
    await clock.advance(waited - 1)
    expect(network.requests).toHaveLength(1)
    await clock.advance(1)
    expect(network.requests).toHaveLength(2)
  })

  test.each(['network', 500, 'no JSON'])(
    'a failure (%s) is an error event and polling goes on',
    async kind => {
      const { network, clock, errors } = await fallBack()
      const before = errors.length
      if (kind === 'network') network.request().fail()
      else if (kind === 500) network.request().answer('', { status: 500 })
      else network.request().answer('<html>')
      await clock.settle()
      expect(errors).toHaveLength(before + 1)
      await clock.advance(5000)
      expect(network.requests).toHaveLength(2)
    },
  )

  test.each([404, 405, 410])(
    '%i: there is none here; said once, and redials go on',
    async status => {
      const { network, clock, socket, log, refuseAll } = await fallBack()
      network.request().answer('', { status })
      await clock.settle()
      expect(socket.status).toBe('RECONNECTING')
      expect(socket.error?.message).toMatch(/fallback\.url/)
      refuseAll()
      await clock.advance(200_000)
      expect(socket.status).toBe('RECONNECTING')
      expect(network.requests).toHaveLength(1)
      expect(log.filter(line => line.startsWith('warn'))).toHaveLength(1)
      socket.reconnect()
      await clock.settle()
      expect(socket.status).toBe('FALLBACK')
      expect(network.requests).toHaveLength(2)
    },
  )

  test.each([401, 403])('%i asks the token anew, once, and then is an ERROR', async status => {
    const token = vi.fn(() => `token${token.mock.calls.length}`)
    const { network, clock, socket } = await fallBack({ token })
    expect(network.request().headers.get('authorization')).toBe('Bearer token1')
    network.request().answer('', { status })
    await clock.settle()
    expect(network.request().headers.get('authorization')).toBe('Bearer token2')
    expect(socket.status).toBe('FALLBACK')
    network.request().answer('', { status })
    await clock.settle()
    expect(socket.status).toBe('ERROR')
    expect(clock.pending()).toBe(0)
  })
})

describe('the way back', () => {
  test('the WebSocket is probed every 30 s or so, and status and polling stay until it is through', async () => {
    const { network, clock, socket, statuses } = await fallBack()
    answerPolls(network)
    network.request().answer({})
    network.chance.push(0.5)
    await clock.advance(33_000)
    expect(network.sockets).toHaveLength(2)
    network.socket().open()
    expect(socket.status).toBe('FALLBACK')
    expect(socket.getSnapshot().transport).toBe('polling')
    const polls = network.requests.length
    network.socket().receive({ type: 'connection', data: {} })
    expect(socket.status).toBe('OPEN')
    await clock.advance(20_000)
    expect(network.requests).toHaveLength(polls)
    expect(statuses).toEqual(['CONNECTING', 'FALLBACK', 'OPEN'])
  })

  test('a probe that opens and ends, or never opens, costs nothing', async () => {
    const { network, clock, socket, statuses } = await fallBack()
    answerPolls(network)
    network.request().answer({})
    network.onDial = () => {}
    await clock.advance(33_000)
    network.socket().open()
    network.socket().close(1006)
    await clock.advance(200_000)
    expect(network.sockets.length).toBeGreaterThan(4)
    expect(socket.status).toBe('FALLBACK')
    expect(statuses).toEqual(['CONNECTING', 'FALLBACK'])
    expect(network.sockets.filter(each => each.listeners() > 0).length).toBeLessThanOrEqual(1)
  })

  test.each(['connect', 'reconnect'] as const)('%s() probes and polls now', async method => {
    const { network, clock, socket, accept } = await fallBack()
    network.request().answer({})
    await clock.settle()
    socket[method]()
    await clock.settle()
    expect(network.sockets).toHaveLength(2)
    expect(network.requests).toHaveLength(2)
    accept()
    expect(socket.status).toBe('OPEN')
  })

  test('an answer that comes after polling ended is not heard', async () => {
    const { network, clock, socket, accept, messages } = await fallBack()
    const late = network.request()
    socket.reconnect()
    accept()
    expect(late.aborted).toBe(true)
    late.answer({ late: true })
    await clock.settle()
    expect(messages).toEqual([])
  })

  test('what was queued meanwhile leaves when the WebSocket is back, once', async () => {
    const { network, clock, socket, accept } = await fallBack()
    const delivery = socket.send({ type: 'order' })
    await clock.advance(5000)
    expect(delivery.state).toBe('queued')
    socket.reconnect()
    accept()
    expect(
      network
        .socket()
        .messages()
        .map(({ type }) => type),
    ).toEqual(['order'])
    expect(delivery.state).toBe('sent')
  })

  test('afterMs falls back earlier, and a dial under way goes on as a probe', async () => {
    const { network, clock, socket, accept } = start({ fallback: { afterMs: 3000 } })
    await clock.advance(3000)
    expect(socket.status).toBe('FALLBACK')
    expect(network.sockets).toHaveLength(1)
    accept()
    expect(socket.status).toBe('OPEN')
  })
})

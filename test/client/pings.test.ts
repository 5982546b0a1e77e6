import { describe, expect, test } from 'vitest'
import { answerPolls, start } from './support.ts'
import { sentOf, sequence, startV1 } from './v1-support.ts'

/** The button of the guide. */
const BUTTON = { type: 'ping', data: {} }

describe('a ping sent by hand', () => {
  test('goes to a server of protocol v1 without a place, is sent, and its pong reaches the application', async () => {
    const { agree, network, socket, receive, messages } = startV1()
    await agree()
    const before = socket.send({ type: 'order' })
    const delivery = socket.send(BUTTON)
    const after = socket.send({ type: 'order' })
    expect(delivery).toMatchObject({ state: 'sent', attempts: 1, reason: undefined })
    expect(await delivery.settled).toBe(delivery)
    const [ping] = sentOf(network.socket(), 'ping')
    expect(ping).toMatchObject({ id: delivery.id, data: {} })
    expect(ping).not.toHaveProperty('seq')
    expect(sequence(network.socket())).toEqual(['1 order', '2 order'])
    receive('pong', {}, { replyTo: delivery.id })
    expect(messages).toEqual([{ type: 'pong', data: {}, replyTo: delivery.id }])
    receive('ack', { seq: 2 })
    expect([before.state, after.state]).toEqual(['acked', 'acked'])
  })

  test.each(['with', 'without'])(
    'is answered by a pong of a plain server %s replyTo',
    async kind => {
      const { accept, network, socket, messages } = start()
      accept()
      const answer = socket.request(BUTTON)
      const [ping] = network.socket().messages()
      const pong = { type: 'pong', data: {}, ...(kind === 'with' && { replyTo: ping?.['id'] }) }
      network.socket().receive(pong)
      expect(await answer).toEqual(pong)
      expect(messages).toEqual([pong])
    },
  )

  test('is answered on protocol v1 as a request, and the heartbeat is not', async () => {
    const { agree, network, socket, receive, messages, clock } = startV1()
    await agree()
    await clock.advance(30_000)
    const [heartbeat] = sentOf(network.socket(), 'ping')
    await clock.advance(40)
    const answer = socket.request(BUTTON)
    receive('pong', {}, { replyTo: heartbeat?.['id'] })
    expect(messages).toEqual([])
    expect(socket.getSnapshot().latencyMs).toBe(40)
    receive('pong', {}, { replyTo: sentOf(network.socket(), 'ping')[1]?.['id'] })
    expect(await answer).toMatchObject({ type: 'pong' })
  })

  test('pongs that do not say which answer the pings in their order', async () => {
    const { accept, network, socket, messages, clock } = start()
    accept()
    socket.send(BUTTON)
    await clock.advance(30_000)
    const last = socket.request(BUTTON)
    await clock.advance(20)
    for (const data of ['first', 'heartbeat', 'last', 'of nobody']) {
      network.socket().receive({ type: 'pong', data })
    }
    expect(await last).toMatchObject({ data: 'last' })
    expect(messages.map(({ data }) => data)).toEqual(['first', 'last'])
    expect(socket.getSnapshot().latencyMs).toBe(20)
    expect(socket.metrics()['reserved']).toBe(1)
  })

  test('a heartbeat that was never answered does not take the pong of the next', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    await clock.advance(30_000)
    network.socket().receive({ type: 'tick' })
    await clock.advance(30_000)
    expect(network.socket().messages()).toHaveLength(2)
    await clock.advance(30)
    network.socket().receive({ type: 'pong' })
    expect(socket.getSnapshot().latencyMs).toBe(30)
  })

  test('a pong on the next link answers no ping of the one before', async () => {
    const { accept, network, socket, messages, clock } = start()
    accept()
    socket.send(BUTTON)
    network.socket().close(1006)
    await clock.advance(4000)
    accept()
    network.socket().receive({ type: 'pong' })
    expect(messages).toEqual([])
  })

  test('waits for a WebSocket while polling, and holds up nothing behind it', async () => {
    const { network, socket, clock, welcome, greet } = startV1({ reconnect: { maxAttempts: 0 } })
    const bodies = (): { messages: { type: string }[] }[] =>
      network.requests
        .filter(({ method }) => method === 'POST')
        .map(({ init }) => JSON.parse(String(init?.body)))
    network.onRequest = request =>
      request.answer(
        request.method === 'POST'
          ? { tok: 'tok', ack: JSON.parse(String(request.init?.body)).messages.length }
          : { protocol: 1, messages: [], channels: {} },
      )
    network.socket().fail()
    await clock.settle()
    const ping = socket.send(BUTTON)
    const order = socket.send({ type: 'order' })
    await clock.advance(15_000)
    expect([ping.state, order.state]).toEqual(['queued', 'acked'])
    expect(bodies().flatMap(({ messages }) => messages.map(({ type }) => type))).toEqual(['order'])
    const posts = bodies().length
    await clock.advance(10_000)
    // Nor does it make the client post for ever.
    expect(bodies()).toHaveLength(posts)
    network.onDial = () => {}
    socket.reconnect()
    await clock.settle()
    greet()
    welcome({ ack: 1 })
    await clock.settle()
    expect(ping.state).toBe('sent')
    expect(sentOf(network.socket(), 'ping')).toHaveLength(1)
  })

  test('leaves in its turn on a plain server', () => {
    const { accept, network, socket } = start()
    for (const type of ['first', 'ping', 'second']) socket.send({ type })
    socket.send({ type: 'urgent' }, { priority: 'high' })
    accept()
    expect(
      network
        .socket()
        .messages()
        .map(({ type }) => type),
    ).toEqual(['urgent', 'first', 'ping', 'second'])
  })

  test('overtakes what is not urgent on a plain server if it is', () => {
    const { accept, network, socket } = start({ queue: { limit: 2 } })
    const given = socket.send({ type: 'first' })
    socket.send({ type: 'second' })
    socket.send(BUTTON, { priority: 'high' })
    expect(given.reason).toBe('overflow')
    accept()
    expect(
      network
        .socket()
        .messages()
        .map(({ type }) => type),
    ).toEqual(['ping', 'second'])
  })

  test('is given up before what was sent after it where the queue is full', () => {
    const { socket } = start({ enabled: false, queue: { limit: 2 } })
    const pings = [socket.send(BUTTON), socket.send(BUTTON)]
    const order = socket.send({ type: 'order' })
    expect(pings.map(({ reason }) => reason)).toEqual(['overflow', undefined])
    const last = socket.send(BUTTON)
    expect([pings[1]?.reason, order.state, last.state]).toEqual(['overflow', 'queued', 'queued'])
    socket.send(BUTTON)
    expect([order.reason, last.state]).toEqual(['overflow', 'queued'])
  })

  test('is taken back, expires, is counted and is rejected as any other', async () => {
    const { socket, clock } = startV1({ enabled: false, queue: { limit: 2 } })
    const abort = new AbortController()
    const taken = socket.send(BUTTON, { signal: abort.signal })
    abort.abort()
    const old = socket.send(BUTTON, { ttlMs: 100 })
    await clock.advance(100)
    const many = [1, 2, 3].map(() => socket.send(BUTTON))
    expect(socket.getSnapshot().queued).toBe(2)
    socket.setIdentity('ann')
    socket.close()
    expect([taken, old, ...many].map(({ reason }) => reason)).toEqual([
      'expired',
      'expired',
      'overflow',
      'closed',
      'closed',
    ])
  })

  test('a listener that ends the link when it hears that one is sent costs the others nothing', async () => {
    const { agree, network, socket, clock } = startV1({ enabled: false, queue: { retries: 0 } })
    const order = socket.send({ type: 'order' })
    const pings = [socket.send(BUTTON), socket.send(BUTTON)]
    const off = socket.on('delivery', () => socket.disconnect())
    socket.connect()
    await agree()
    off()
    expect(pings.map(({ state }) => state)).toEqual(['sent', 'queued'])
    socket.connect()
    await clock.settle()
    await agree()
    expect(pings.map(({ state }) => state)).toEqual(['sent', 'sent'])
    expect(order).toMatchObject({ state: 'in-flight', attempts: 1 })
    expect(sequence(network.socket())).toEqual(['1 order'])
  })

  test('many that no server answers are not remembered for ever', async () => {
    const { accept, network, socket, messages } = start({ queue: { ratePerSecond: 1000 } })
    accept()
    const pings = Array.from({ length: 101 }, () => socket.send(BUTTON))
    for (const { id } of [pings[0], pings[1]] as { id: string }[]) {
      network.socket().receive({ type: 'pong', replyTo: id })
    }
    expect(messages.map(({ replyTo }) => replyTo)).toEqual([pings[1]?.id])
  })
})

test('polls of a plain server send no ping', async () => {
  const { network, socket, clock } = start({ reconnect: { maxAttempts: 0 } })
  answerPolls(network)
  network.socket().fail()
  await clock.settle()
  const ping = socket.send(BUTTON)
  await clock.advance(10_000)
  expect(ping.state).toBe('queued')
})

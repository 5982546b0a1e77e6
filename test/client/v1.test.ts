import { envelope } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { sentOf, sequence, startV1, ticks, type V1Story, verdict } from './v1-support.ts'

/** Until the next dial. */
const dialed = async ({ network, clock }: V1Story): Promise<void> => {
  for (const { length } = network.sockets; network.sockets.length === length; ) {
    await clock.advance(500)
  }
}

/** The link is lost and the next one opens, up to the server's greeting. */
const again = async (story: V1Story): Promise<void> => {
  story.network.socket().close(1006)
  await dialed(story)
  story.greet()
}

const tick = (story: V1Story, channel: string, offset: number): void =>
  story.receive('tick', offset, { channel, offset })

describe('hello and welcome', () => {
  test('a server that says protocol 1 gets a hello; messages flow after its welcome', async () => {
    const story = startV1()
    const { socket, network } = story
    socket.subscribe('AAPL')
    socket.send({ type: 'order' })
    story.greet()
    expect(socket.getSnapshot()).toMatchObject({ status: 'OPEN', phase: 'authenticating' })
    expect(story.hello().data).toEqual({
      sid: socket.getSnapshot().sessionId,
      gen: 1,
      channels: { AAPL: null },
    })
    expect(socket.getSnapshot().sessionId).toMatch(/^[\w-]{22}$/)
    expect(sequence(network.socket())).toEqual([])
    story.welcome()
    expect(socket.getSnapshot().phase).toBe('ready')
    expect(sequence(network.socket())).toEqual(['1 order'])
  })

  test('gen grows with each connection, and hello carries tok, token and positions', async () => {
    const story = startV1({ token: 'secret' })
    const { socket, clock } = story
    socket.subscribe('AAPL')
    await clock.settle()
    story.greet()
    expect(story.hello().data).toMatchObject({ gen: 1, token: 'secret' })
    story.welcome({ channels: { AAPL: verdict('e', 4) } })
    tick(story, 'AAPL', 5)
    await again(story)
    expect(story.hello().data).toMatchObject({
      gen: 2,
      tok: 'tok',
      token: 'secret',
      channels: { AAPL: { epoch: 'e', offset: 5 } },
    })
  })

  test('channels that do not fit into hello follow the welcome, with their positions', async () => {
    const story = startV1()
    const { socket, network, clock } = story
    const names = Array.from({ length: 25 }, (_, index) => `${'C'.repeat(98)}${10 + index}`)
    socket.subscribe(names)
    await clock.settle()
    const first = names.slice(0, 9)
    await story.agree({
      channels: Object.fromEntries(first.map(name => [name, verdict('e', 0)])),
    })
    expect(Object.keys(story.hello().data['channels'] as object)).toEqual(first)
    const [rest] = sentOf(network.socket(), 'subscribe')
    expect(Object.keys(rest?.data['channels'] as object)).toEqual(names.slice(9))
  })

  test('no welcome within 5 s is a failed attempt', async () => {
    const story = startV1()
    story.greet()
    await story.clock.advance(4999)
    expect(story.socket.status).toBe('OPEN')
    await story.clock.advance(1)
    expect(story.socket.status).toBe('RECONNECTING')
    expect(story.errors).toEqual(['No welcome in time'])
  })

  test('a server that has spoken v1 once is expected to', async () => {
    const story = startV1()
    const { network, clock, socket } = story
    await story.agree()
    network.socket().close(1006)
    await dialed(story)
    network.socket().open()
    await clock.advance(4000)
    expect(socket.getSnapshot().phase).toBe('authenticating')
    story.receive('connection', {})
    expect(story.errors.at(-1)).toBe('The server does not speak protocol v1')
    expect(socket.status).toBe('RECONNECTING')
  })

  test('version 1 demands it from the start, version 0 never speaks it', async () => {
    const demanding = startV1({ protocol: envelope({ version: 1 }) })
    demanding.network.socket().open()
    await demanding.clock.advance(4999)
    expect(demanding.socket.getSnapshot().phase).toBe('authenticating')
    await demanding.clock.advance(1)
    expect(demanding.socket.status).toBe('RECONNECTING')

    const plain = startV1({ protocol: envelope({ version: 0 }) })
    plain.greet()
    expect(plain.socket.getSnapshot()).toMatchObject({ phase: 'ready', sessionId: null })
    expect(plain.network.socket().messages()).toEqual([])
  })

  test('a welcome without tok or ack breaks the protocol', () => {
    for (const bad of [{ tok: 1 }, { ack: -1 }, { ack: 'x' }]) {
      const story = startV1()
      story.greet()
      story.welcome(bad)
      expect(story.errors).toEqual(['Protocol error'])
      expect(story.network.socket().closedByClient?.code).toBe(4002)
    }
  })
})

describe('sending', () => {
  test('the first message of a turn leaves at once, and the others leave in one frame at its end', async () => {
    const story = startV1()
    await story.agree()
    const { clock, network, socket } = story
    const before = network.socket().sent.length
    for (const type of ['a', 'b', 'c', 'd']) socket.send({ type })
    expect(sequence(network.socket())).toEqual(['1 a'])
    expect(socket.getSnapshot().queued).toBe(3)
    await clock.settle()
    expect(sequence(network.socket())).toEqual(['1 a', '2 b', '3 c', '4 d'])
    expect(network.socket().sent).toHaveLength(before + 2)
    expect(socket.getSnapshot().queued).toBe(0)
    socket.send({ type: 'e' })
    expect(sequence(network.socket()).at(-1)).toBe('5 e')
  })

  test('a message that may not wait at all leaves with its turn', async () => {
    const story = startV1()
    await story.agree()
    const sends = ['a', 'b', 'c'].map(type => story.socket.send({ type }, { ttlMs: 0 }))
    await story.clock.advance(10)
    expect(sends.map(({ state }) => state)).toEqual(['in-flight', 'in-flight', 'in-flight'])
  })

  test('a message of this turn is not dropped for want of room that the link has', async () => {
    const story = startV1({ queue: { limit: 2 } })
    await story.agree()
    const sends = Array.from({ length: 9 }, () => story.socket.send({ type: 'a' }))
    await story.clock.settle()
    expect(new Set(sends.map(({ state }) => state))).toEqual(new Set(['in-flight']))
  })

  test.each([
    ['disconnect()', (story: V1Story) => story.socket.disconnect()],
    ['reconnect()', (story: V1Story) => story.socket.reconnect()],
    ['close()', (story: V1Story) => story.socket.close()],
  ])('what was sent in the turn of %s leaves before it', async (_name, act) => {
    const story = startV1()
    await story.agree()
    const old = story.network.socket()
    for (const type of ['a', 'b', 'c']) story.socket.send({ type })
    act(story)
    expect(sequence(old)).toEqual(['1 a', '2 b', '3 c'])
    story.socket.close()
    await story.clock.settle()
    expect(story.clock.pending()).toBe(0)
  })

  test('kept until acknowledged; an ack is cumulative', async () => {
    const story = startV1()
    await story.agree()
    const [first, second, third] = ['a', 'b', 'c'].map(type => story.socket.send({ type }))
    await story.clock.settle()
    expect([first?.state, third?.state]).toEqual(['in-flight', 'in-flight'])
    story.receive('ack', { seq: 2 })
    expect([first?.state, second?.state, third?.state]).toEqual(['acked', 'acked', 'in-flight'])
    expect(await second?.settled).toBe(second)
  })

  test('what was not acknowledged goes out once on the next link, in its order, before what is new', async () => {
    const story = startV1()
    await story.agree()
    for (const type of ['a', 'b', 'c']) story.socket.send({ type, id: `id-${type}` })
    await story.clock.settle()
    story.network.socket().close(1006)
    story.socket.send({ type: 'new' })
    story.socket.send({ type: 'urgent' }, { priority: 'high' })
    await dialed(story)
    story.greet()
    story.welcome({ ack: 1 })
    const socket = story.network.socket()
    expect(sequence(socket)).toEqual(['2 b', '3 c', '4 urgent', '5 new'])
    expect(sentOf(socket, 'b')[0]?.['id']).toBe('id-b')
    // Together in one frame, after hello.
    expect(socket.sent).toHaveLength(2)
  })

  test('the welcome settles what the lost acks would have', async () => {
    const story = startV1()
    await story.agree()
    const delivery = story.socket.send({ type: 'a' })
    await again(story)
    expect(delivery.state).toBe('in-flight')
    story.welcome({ ack: 1 })
    expect(delivery).toMatchObject({ state: 'acked', attempts: 1 })
    expect(sequence(story.network.socket())).toEqual([])
  })

  test('on at most 1 + retries links; then unknown, and its place is skipped', async () => {
    const story = startV1({ queue: { retries: 2 } })
    await story.agree()
    const delivery = story.socket.send({ type: 'a' })
    for (let link = 2; link <= 3; link++) {
      await again(story)
      story.welcome()
      expect(sequence(story.network.socket())).toEqual(['1 a'])
      expect(delivery).toMatchObject({ state: 'in-flight', attempts: link })
    }
    await again(story)
    story.socket.send({ type: 'next' })
    story.welcome()
    expect(delivery).toMatchObject({ state: 'unknown', attempts: 3 })
    expect(sequence(story.network.socket())).toEqual(['1 skip', '2 next'])
  })

  test('links on which it was not sent do not count', async () => {
    const story = startV1({ queue: { retries: 0 } })
    await story.agree()
    story.network.socket().close(1006)
    const delivery = story.socket.send({ type: 'a' })
    await dialed(story)
    story.greet()
    await again(story)
    story.welcome()
    expect(delivery).toMatchObject({ state: 'in-flight', attempts: 1 })
  })

  test.each([
    ['BAD_MESSAGE', 'invalid'],
    ['TOO_LARGE', 'invalid'],
    ['UNAUTHORIZED', 'unauthorized'],
    ['FORBIDDEN', 'unauthorized'],
    ['INTERNAL', 'refused'],
    ['constructor', 'refused'],
  ])('nack %s rejects as %s, and the place is used up', async (code, reason) => {
    const story = startV1()
    await story.agree()
    const delivery = story.socket.send({ type: 'a' })
    const next = story.socket.send({ type: 'b' })
    await story.clock.settle()
    story.receive('nack', { seq: 1, code, message: 'no' })
    expect(delivery).toMatchObject({ state: 'rejected', reason, code, detail: 'no' })
    story.receive('ack', { seq: 2 })
    expect([delivery.state, next.state]).toEqual(['rejected', 'acked'])
    expect(story.errors).toEqual(['no'])
  })

  test('a refusal whose word was lost comes with the welcome', async () => {
    const story = startV1()
    await story.agree()
    const delivery = story.socket.send({ type: 'a' })
    await again(story)
    story.welcome({ ack: 1, refused: [{ seq: 1, code: 'FORBIDDEN', message: 'no' }] })
    expect(delivery).toMatchObject({
      state: 'rejected',
      reason: 'unauthorized',
      code: 'FORBIDDEN',
      detail: 'no',
    })
  })

  test('an ack beyond what was sent settles nothing and fails the link', async () => {
    const story = startV1()
    await story.agree()
    const delivery = story.socket.send({ type: 'a' })
    story.receive('ack', { seq: 2 })
    expect(delivery.state).toBe('in-flight')
    expect(story.socket.status).toBe('RECONNECTING')
    expect(story.errors).toEqual(['Protocol error'])
  })

  test('types of the protocol get no place: said to be invalid, and nothing waits behind them', async () => {
    const { agree, clock, network, socket } = startV1()
    const drops: unknown[] = []
    socket.on('drop', drop => drops.push(drop))
    const early = socket.send({ type: 'skip' })
    await agree()
    const late = socket.send({ type: 'welcome' })
    socket.send({ type: 'auth', data: { token: 't' } })
    socket.send({ type: 'order' })
    await clock.settle()
    expect(sequence(network.socket())).toEqual(['1 auth', '2 order'])
    for (const { state, reason } of [early, late]) {
      expect([state, reason]).toEqual(['rejected', 'invalid'])
    }
    expect(drops).toHaveLength(2)
  })

  test('a seq of the application does not take the place of ours', async () => {
    const { agree, network, socket } = startV1()
    await agree()
    socket.send({ type: 'order', seq: 7 } as never)
    expect(network.socket().sent.at(-1)).toMatch(/^{"seq":1,(?!.*seq)/)
  })

  test('another tok: what was in flight is unknown, the rest is numbered anew', async () => {
    const story = startV1()
    await story.agree()
    const lost = story.socket.send({ type: 'lost' })
    story.network.socket().close(1006)
    const kept = story.socket.send({ type: 'kept' })
    await dialed(story)
    story.greet()
    story.welcome({ tok: 'another' })
    expect([lost.state, kept.state]).toEqual(['unknown', 'in-flight'])
    expect(sequence(story.network.socket())).toEqual(['1 kept'])
    await again(story)
    expect(story.hello().data['tok']).toBe('another')
  })

  test('no more in flight than both sides want', async () => {
    const story = startV1({ queue: { maxInFlight: 5 } })
    await story.agree({ maxInFlight: 2 })
    for (const type of ['a', 'b', 'c']) story.socket.send({ type })
    await story.clock.settle()
    expect(sequence(story.network.socket())).toEqual(['1 a', '2 b'])
    expect(story.socket.getSnapshot().queued).toBe(1)
    story.receive('ack', { seq: 1 })
    expect(sequence(story.network.socket())).toEqual(['1 a', '2 b', '3 c'])
  })

  test('RATE_LIMITED is no loss: it goes on from the last ack, and costs no retry', async () => {
    const story = startV1({ queue: { retries: 0 } })
    await story.agree()
    const deliveries = ['a', 'b', 'c'].map(type => story.socket.send({ type }))
    await story.clock.settle()
    story.receive('ack', { seq: 1 })
    story.receive('error', { code: 'RATE_LIMITED', message: 'slow', retryAfterMs: 700 })
    story.socket.send({ type: 'd' })
    await story.clock.advance(699)
    expect(sequence(story.network.socket())).toEqual(['1 a', '2 b', '3 c'])
    await story.clock.advance(1)
    expect(sequence(story.network.socket()).slice(3)).toEqual(['2 b', '3 c', '4 d'])
    expect(deliveries[1]).toMatchObject({ state: 'in-flight', attempts: 1 })
  })

  test('RATE_LIMITED may have hit what was asked for, too: it is asked for again', async () => {
    const story = startV1()
    const { socket, clock, network } = story
    socket.subscribe('A')
    await clock.settle()
    await story.agree({ channels: { A: verdict('e', 10) } })
    socket.subscribe('B')
    tick(story, 'A', 12)
    await clock.settle()
    const asked = (): unknown[] => sentOf(network.socket(), 'subscribe').map(({ data }) => data)
    expect(asked()).toHaveLength(2)
    story.receive('error', { code: 'RATE_LIMITED', message: 'slow', retryAfterMs: 500 })
    await clock.advance(499)
    expect(asked()).toHaveLength(2)
    await clock.advance(1)
    expect(asked().slice(2)).toEqual(
      expect.arrayContaining([
        { channels: { A: { epoch: 'e', offset: 10 } } },
        { channels: { B: null } },
      ]),
    )
  })

  test('an answer to a question that was asked again since is not taken for the newer one', async () => {
    const story = startV1()
    const { socket, clock, network } = story
    await story.agree()
    socket.subscribe('A')
    await clock.settle()
    story.receive('error', { code: 'RATE_LIMITED', message: 'slow', retryAfterMs: 500 })
    await clock.advance(500)
    const ids = (): unknown[] => sentOf(network.socket(), 'subscribe').map(({ id }) => id)
    const answer = (at: number, offset: number, replayed: number): void => {
      const channels = { A: verdict('e', offset, { replayed }) }
      story.receive('subscribed', { channels }, { replyTo: ids()[at] })
    }
    answer(1, 10, 0)
    // A hole, which is asked for; but the first of all questions is answered before that.
    tick(story, 'A', 12)
    await clock.settle()
    expect(ids()).toHaveLength(3)
    answer(0, 12, 0)
    answer(2, 12, 2)
    for (const offset of [11, 12]) tick(story, 'A', offset)
    expect(story.told.filter(each => each.startsWith('gap'))).toEqual([])
    expect(ticks(story)).toHaveLength(2)
  })

  test('1009 rejects the largest in flight once the server says that it was not applied', async () => {
    const story = startV1()
    await story.agree()
    const small = story.socket.send({ type: 'small' })
    const large = story.socket.send({ type: 'large', data: 'x'.repeat(500) })
    await story.clock.settle()
    story.network.socket().close(1009)
    expect(large.state).toBe('in-flight')
    await dialed(story)
    story.greet()
    story.welcome()
    expect(large).toMatchObject({ state: 'rejected', reason: 'invalid' })
    expect(sequence(story.network.socket())).toEqual(['1 small', '2 skip'])
    expect(small.state).toBe('in-flight')
  })

  test('what was applied before a 1009 is not rejected, however large it was', async () => {
    const story = startV1()
    await story.agree()
    const large = story.socket.send({ type: 'large', data: 'x'.repeat(500) })
    story.network.socket().close(1009)
    await dialed(story)
    story.greet()
    story.welcome({ ack: 1 })
    expect(large.state).toBe('acked')
  })

  test('close() makes unknown what is in flight, and rejects what is queued', async () => {
    const story = startV1({ queue: { maxInFlight: 1 } })
    await story.agree()
    const [flying, queued] = ['a', 'b'].map(type => story.socket.send({ type }))
    story.socket.close()
    expect(flying?.state).toBe('unknown')
    expect(queued).toMatchObject({ state: 'rejected', reason: 'closed' })
    await story.clock.settle()
    expect(story.clock.pending()).toBe(0)
  })

  test('another user: queued is rejected, in flight unknown, session and positions forgotten', async () => {
    const story = startV1({ queue: { maxInFlight: 1 } })
    const { socket, clock } = story
    socket.subscribe('A')
    await clock.settle()
    await story.agree({ channels: { A: verdict('e', 7) } })
    const sid = socket.getSnapshot().sessionId
    const [flying, queued] = ['a', 'b'].map(type => socket.send({ type }))
    socket.setIdentity('another')
    expect(flying?.state).toBe('unknown')
    expect(queued).toMatchObject({ state: 'rejected', reason: 'identity' })
    await clock.advance(10)
    story.greet()
    const { data } = story.hello()
    expect(data['sid']).not.toBe(sid)
    expect(data).toMatchObject({ gen: 1, channels: { A: null } })
    expect(data).not.toHaveProperty('tok')
  })

  test('another user: a request that was never sent says so', async () => {
    const story = startV1()
    const { socket } = story
    await story.agree()
    socket.disconnect()
    const outcome = expect(socket.request({ type: 'a' })).rejects.toMatchObject({
      code: 'NOT_SENT',
    })
    socket.setIdentity('another')
    await outcome
  })

  test('another user: what a listener sends when it hears of the old messages is not said on the old link', async () => {
    const story = startV1({ queue: { maxInFlight: 1 } })
    const { network, socket, clock } = story
    await story.agree()
    for (const type of ['a', 'b']) socket.send({ type })
    const off = socket.on('delivery', () => {
      off()
      socket.send({ type: 'mine' })
    })
    const old = network.socket()
    socket.setIdentity('another')
    expect(sequence(old)).toEqual(['1 a'])
    await clock.advance(10)
    await story.agree()
    expect(sequence(network.socket())).toEqual(['1 mine'])
  })

  test('another user: what the server confirmed to the one before is not confirmed', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    const { socket, clock, network } = story
    socket.subscribe('A')
    story.refuseAll()
    network.socket().fail()
    await clock.settle()
    const channels = { A: verdict('e', 1) }
    network.request().answer({ protocol: 1, messages: [], channels })
    await clock.settle()
    socket.disconnect()
    socket.setIdentity('another')
    let ready = false
    socket.subscribe('A').ready.then(() => {
      ready = true
    })
    await clock.settle()
    expect(ready).toBe(false)
  })

  test('request(): refused by a nack, and unknown with a lost session', async () => {
    const story = startV1()
    await story.agree()
    const refused = story.socket.request({ type: 'a', id: 'r1' })
    story.receive('nack', { seq: 1, code: 'FORBIDDEN', message: 'not yours' }, { replyTo: 'r1' })
    await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN', message: 'not yours' })
    const lost = story.socket.request({ type: 'b' }, { timeoutMs: 1_000_000 })
    const outcome = expect(lost).rejects.toMatchObject({ code: 'UNKNOWN' })
    await again(story)
    story.welcome({ tok: 'another' })
    await outcome
  })
})

describe('receiving', () => {
  const listening = async (): Promise<V1Story> => {
    const story = startV1()
    story.socket.subscribe('A')
    await story.clock.settle()
    await story.agree({ channels: { A: verdict('e', 10) } })
    return story
  }

  test('the next offset is delivered, lower ones are dropped', async () => {
    const story = await listening()
    for (const offset of [11, 11, 9, 12]) tick(story, 'A', offset)
    expect(ticks(story)).toEqual([11, 12])
  })

  test('a higher one is dropped, and the channel asked for again from its cursor, once', async () => {
    const story = await listening()
    for (const offset of [11, 13, 14]) tick(story, 'A', offset)
    expect(ticks(story)).toEqual([11])
    const asked = sentOf(story.network.socket(), 'subscribe')
    expect(asked.map(({ data }) => data)).toEqual([{ channels: { A: { epoch: 'e', offset: 11 } } }])
    story.receive('subscribed', { channels: { A: verdict('e', 14, { replayed: 3 }) } })
    for (const offset of [12, 13, 14, 15]) tick(story, 'A', offset)
    expect(ticks(story)).toEqual([11, 12, 13, 14, 15])
    expect(story.told).toEqual(['recovered A 3'])
  })

  test('a server that calls a hole recovered is asked once more, and then the gap is told', async () => {
    const story = await listening()
    tick(story, 'A', 13)
    const liar = { channels: { A: verdict('e', 13, { replayed: 1 }) } }
    story.receive('subscribed', liar)
    expect(story.told).toEqual(['recovered A 1', 'gap A trimmed'])
    tick(story, 'A', 13)
    tick(story, 'A', 14)
    expect(ticks(story)).toEqual([13, 14])
  })

  test('after a reconnect: recovered, and no gap', async () => {
    const story = await listening()
    await again(story)
    story.welcome({ channels: { A: verdict('e', 12, { replayed: 2 }) } })
    tick(story, 'A', 11)
    tick(story, 'A', 12)
    expect(ticks(story)).toEqual([11, 12])
    expect(story.told).toEqual(['recovered A 2'])
  })

  test.each(['epoch', 'trimmed', 'limit', 'ahead'])(
    'not recovered (%s): told as a gap, and it goes on from there',
    async reason => {
      const story = await listening()
      const gaps: unknown[] = []
      story.socket.subscribe('A', undefined, { onGap: gap => gaps.push(gap) })
      await again(story)
      const epoch = reason === 'epoch' ? 'f' : 'e'
      const offset = reason === 'ahead' ? 3 : 90
      story.welcome({
        channels: { A: verdict(epoch, offset, { recovered: false, reason }) },
      })
      story.receive('snapshot', { price: 1 }, { channel: 'A' })
      tick(story, 'A', offset + 1)
      expect(story.told).toEqual([`gap A ${reason}`])
      expect(gaps).toEqual([{ channel: 'A', reason }])
      expect(story.messages.map(({ type }) => type)).toEqual(['snapshot', 'tick'])
    },
  )

  test('heads notice that the last message is missing', async () => {
    const story = await listening()
    story.receive('ping', { timestamp: 5, heads: { A: 10, B: 99 } }, { id: 'p' })
    expect(sentOf(story.network.socket(), 'subscribe')).toEqual([])
    story.receive('ping', { timestamp: 5, heads: { A: 11 } }, { id: 'p' })
    expect(sentOf(story.network.socket(), 'subscribe')).toHaveLength(1)
    expect(sentOf(story.network.socket(), 'pong')[0]).toMatchObject({
      data: { timestamp: 5, heads: { A: 10, B: 99 } },
      replyTo: 'p',
    })
  })

  test('what is missing on many channels is asked for in few frames, none of them large', async () => {
    const story = startV1()
    const channels = Array.from({ length: 60 }, (_, index) => `channel-${index}`)
    story.socket.subscribe(channels)
    await story.clock.settle()
    const at = (offset: number) =>
      Object.fromEntries(channels.map(name => [name, verdict('e', offset)]))
    await story.agree({ channels: at(1) })
    const before = sentOf(story.network.socket(), 'subscribe').length
    story.receive('subscribed', { channels: at(1) })
    const heads = Object.fromEntries(channels.map(name => [name, 2]))
    story.receive('ping', { timestamp: 5, heads }, { id: 'p' })
    const asked = sentOf(story.network.socket(), 'subscribe').slice(before)
    expect(asked).toHaveLength(3)
    expect(asked.flatMap(({ data }) => Object.keys(data['channels'] as object))).toEqual(channels)
    for (const frame of asked) expect(JSON.stringify(frame).length).toBeLessThan(2048)
  })

  test('`ready` waits for the word of the server', async () => {
    const story = startV1()
    const subscription = story.socket.subscribe(['A', 'B'])
    const seen: string[] = []
    subscription.ready.then(() => seen.push('ready'))
    await story.clock.settle()
    await story.agree({ channels: { A: verdict('e', 1) } })
    await story.clock.settle()
    expect(seen).toEqual([])
    story.receive('subscribed', { channels: { B: verdict('e', 1) } })
    await story.clock.settle()
    expect(seen).toEqual(['ready'])
  })

  test('who leaves a channel and comes back begins anew; within one turn it goes on', async () => {
    const story = await listening()
    const { socket, clock, network } = story
    const first = socket.subscribe('A')
    first.unsubscribe()
    await clock.settle()
    expect(sentOf(network.socket(), 'unsubscribe')).toEqual([])
    const second = socket.subscribe('B')
    await clock.settle()
    story.receive('subscribed', { channels: { B: verdict('e', 5) } })
    second.unsubscribe()
    await clock.settle()
    socket.subscribe('B')
    await clock.settle()
    const asked = sentOf(network.socket(), 'subscribe')
    expect(asked.map(({ data }) => data)).toEqual([
      { channels: { B: null } },
      { channels: { B: null } },
    ])
    // What the one before had asked for may still come: it is before the place where this one begins.
    tick(story, 'B', 6)
    story.receive('subscribed', { channels: { B: verdict('e', 8) } }, { replyTo: asked[1]?.['id'] })
    tick(story, 'B', 9)
    expect(ticks(story)).toEqual([9])
  })

  test('what a listener ends is over: the rest of the frame is another link’s to bring', async () => {
    const story = await listening()
    story.socket.on('message', () => story.socket.setIdentity('another'))
    story.network
      .socket()
      .receive([11, 12].map(offset => ({ type: 'tick', data: offset, channel: 'A', offset })))
    expect(ticks(story)).toEqual([11])
  })
})

describe('while polling', () => {
  const body = (more: object = {}): object => ({
    protocol: 1,
    timestamp: 1,
    count: 0,
    data: [],
    messages: [],
    channels: {},
    ...more,
  })

  const answered = async (
    story: V1Story,
    method: string,
    answer: object,
  ): Promise<[url: string, body: string]> => {
    const { network, clock } = story
    const open = network.requests.filter(each => !each.answered && !each.aborted)
    const request = open.find(each => each.method === method)
    if (!request) throw new Error(`no open ${method}`)
    request.answer(answer)
    await clock.settle()
    return [request.url, String(request.init?.body ?? '')]
  }

  const start = async (): Promise<V1Story> => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    story.socket.subscribe('A:B')
    await story.clock.settle()
    await story.agree({ channels: { 'A:B': verdict('e', 10) } })
    story.refuseAll()
    return story
  }

  const fall = async (story: V1Story): Promise<void> => {
    story.network.socket().close(1006)
    await story.clock.settle()
    expect(story.socket.status).toBe('FALLBACK')
  }

  test('polls from the cursor, and delivers once and in order', async () => {
    const story = await start()
    await fall(story)
    const message = (offset: number): object => ({
      type: 'tick',
      channel: 'A:B',
      offset,
      data: offset,
    })
    const [url] = await answered(
      story,
      'GET',
      body({
        channels: { 'A:B': verdict('e', 12, { replayed: 2 }) },
        messages: [message(11), message(12)],
      }),
    )
    expect(url).toContain('?symbols=A%3AB&since=A%3AB%3Ae%3A10')
    await story.clock.advance(5000)
    const [next] = await answered(
      story,
      'GET',
      body({
        channels: { 'A:B': verdict('e', 13, { replayed: 2 }) },
        messages: [message(12), message(13)],
      }),
    )
    expect(next).toContain('since=A%3AB%3Ae%3A12')
    expect(ticks(story)).toEqual([11, 12, 13])
    expect(story.told).toEqual(['recovered A:B 2'])
  })

  test('a channel without a position begins with its newest message', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    story.socket.subscribe('A')
    story.refuseAll()
    story.network.socket().fail()
    await story.clock.settle()
    await answered(
      story,
      'GET',
      body({
        channels: { A: verdict('e', 7) },
        messages: [{ type: 'tick', channel: 'A', offset: 7, data: 7 }],
      }),
    )
    await story.clock.advance(5000)
    const [url] = await answered(story, 'GET', body())
    expect(url).toContain('since=A%3Ae%3A7')
    expect(ticks(story)).toEqual([7])
  })

  test('queued and unacknowledged messages go out by POST, of the same session', async () => {
    const story = await start()
    const flying = story.socket.send({ type: 'a', id: 'a' })
    await fall(story)
    const queued = story.socket.send({ type: 'b', id: 'b' })
    await story.clock.settle()
    expect(story.network.requests.filter(({ method }) => method === 'POST')).toEqual([])
    await answered(story, 'GET', body())
    const [url, text] = await answered(story, 'POST', { tok: 'tok', ack: 2, messages: [] })
    expect(url).toMatch(/\/api\/market\/snapshot$/)
    const posted = JSON.parse(text)
    expect(posted).toMatchObject({ sid: story.socket.getSnapshot().sessionId, tok: 'tok', gen: 2 })
    expect(posted.messages).toMatchObject([
      { seq: 1, type: 'a', id: 'a' },
      { seq: 2, type: 'b', id: 'b' },
    ])
    expect([flying.state, queued.state]).toEqual(['acked', 'acked'])
  })

  test('a first contact carries nothing', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    story.refuseAll()
    story.network.socket().fail()
    await story.clock.settle()
    const delivery = story.socket.send({ type: 'a' })
    await answered(story, 'GET', body())
    const [, first] = await answered(story, 'POST', { tok: 'new', ack: 0 })
    expect(JSON.parse(first)).toMatchObject({ gen: 1, messages: [] })
    expect(JSON.parse(first)).not.toHaveProperty('tok')
    const [, second] = await answered(story, 'POST', { tok: 'new', ack: 1 })
    expect(JSON.parse(second)).toMatchObject({ tok: 'new', gen: 2, messages: [{ seq: 1 }] })
    expect(delivery.state).toBe('acked')
  })

  test('a POST without an answer is tried again after the next poll, with a higher gen', async () => {
    const story = await start()
    await fall(story)
    const delivery = story.socket.send({ type: 'a' })
    await answered(story, 'GET', body())
    story.network.request().fail()
    await story.clock.settle()
    expect(delivery.state).toBe('in-flight')
    await story.clock.advance(5000)
    await answered(story, 'GET', body())
    const [, text] = await answered(story, 'POST', { tok: 'tok', ack: 1 })
    expect(JSON.parse(text)).toMatchObject({ gen: 3, messages: [{ seq: 1 }] })
    expect(delivery).toMatchObject({ state: 'acked', attempts: 2 })
  })

  test('after a poll that failed the server is asked before it is given anything: it may have forgotten', async () => {
    const story = await start()
    const flying = story.socket.send({ type: 'a' })
    await fall(story)
    const queued = story.socket.send({ type: 'b' })
    story.network.request().fail()
    await story.clock.advance(5000)
    await answered(story, 'GET', body())
    const [, contact] = await answered(story, 'POST', { tok: 'another', ack: 0 })
    expect(JSON.parse(contact)).toMatchObject({ tok: 'tok', messages: [] })
    expect([flying.state, queued.state]).toEqual(['unknown', 'in-flight'])
    const [, text] = await answered(story, 'POST', { tok: 'another', ack: 1 })
    expect(JSON.parse(text)).toMatchObject({ tok: 'another', messages: [{ seq: 1, type: 'b' }] })
    expect(queued.state).toBe('acked')
  })

  test('what is in flight is asked for even if nothing else waits', async () => {
    const story = await start()
    const flying = story.socket.send({ type: 'a' })
    await fall(story)
    story.network.request().fail()
    await story.clock.advance(5000)
    await answered(story, 'GET', body())
    await answered(story, 'POST', { tok: 'tok', ack: 1 })
    expect(flying.state).toBe('acked')
  })

  test('a body holds no more than the server takes; what does not fit goes with the next', async () => {
    const story = await start()
    await fall(story)
    const deliveries = [15_000, 55_000].map(length =>
      story.socket.send({ type: 'a', data: 'x'.repeat(length) }),
    )
    await answered(story, 'GET', body())
    const [, first] = await answered(story, 'POST', { tok: 'tok', ack: 1 })
    const [, second] = await answered(story, 'POST', { tok: 'tok', ack: 2 })
    expect([first.length, second.length].every(length => length < 65_536)).toBe(true)
    expect(deliveries.map(({ state }) => state)).toEqual(['acked', 'acked'])
  })

  test('a server that takes less (413) gets one at a time; one that is too large alone is rejected, and no other', async () => {
    const story = await start()
    await fall(story)
    const deliveries = [10, 500, 10].map(length =>
      story.socket.send({ type: 'a', data: 'x'.repeat(length) }),
    )
    const taken: number[] = []
    let last = 0
    let refused = 0
    story.network.onRequest = request => {
      const { messages = [] } = JSON.parse(String(request.init?.body ?? '{}'))
      if (request.method === 'GET') return request.answer(body())
      if (String(request.init?.body).length > 400) {
        refused++
        return request.answer({}, { status: 413 })
      }
      for (const { type, seq, data } of messages) {
        last = type === 'skip' ? data.seq : seq
        if (type !== 'skip') taken.push(seq)
      }
      request.answer({ tok: 'tok', ack: last })
    }
    await answered(story, 'GET', body())
    await story.clock.advance(20_000)
    expect(deliveries).toMatchObject([
      { state: 'acked' },
      { state: 'rejected', reason: 'invalid' },
      { state: 'acked' },
    ])
    expect(taken).toEqual([1, 3])
    // Once together, and once the large one alone.
    expect(refused).toBe(2)
  })

  test('a lost session is told there, too; replies and refusals arrive', async () => {
    const story = await start()
    const lost = story.socket.send({ type: 'a' })
    await fall(story)
    await answered(story, 'GET', body())
    await answered(story, 'POST', { tok: 'another', ack: 0 })
    expect(lost.state).toBe('unknown')
    const refused = story.socket.send({ type: 'b' })
    const replied = story.socket.request({ type: 'c', id: 'c' })
    await story.clock.settle()
    await answered(story, 'POST', {
      tok: 'another',
      ack: 1,
      refused: [{ seq: 1, code: 'INTERNAL' }],
    })
    await answered(story, 'POST', {
      tok: 'another',
      ack: 2,
      messages: [{ type: 'done', replyTo: 'c' }],
    })
    expect(refused).toMatchObject({ state: 'rejected', reason: 'refused' })
    expect(await replied).toMatchObject({ type: 'done' })
  })

  test('never posts while a link may be proving itself', async () => {
    const story = await start()
    await fall(story)
    await answered(story, 'GET', body())
    story.network.onDial = () => {}
    await dialed(story)
    story.greet()
    const delivery = story.socket.send({ type: 'a' })
    await story.clock.settle()
    expect(story.network.requests.some(({ method }) => method === 'POST')).toBe(false)
    story.welcome()
    expect(story.socket.status).toBe('OPEN')
    expect(sequence(story.network.socket())).toEqual(['1 a'])
    story.receive('ack', { seq: 1 })
    expect(delivery.state).toBe('acked')
  })

  test('elsewhere messages wait', async () => {
    const story = await start()
    await fall(story)
    const delivery = story.socket.send({ type: 'a' })
    await answered(story, 'GET', { quotes: [] })
    expect(story.network.requests.some(({ method }) => method === 'POST')).toBe(false)
    expect(delivery.state).toBe('queued')
    expect(story.messages).toMatchObject([{ type: 'snapshot', data: { quotes: [] } }])
  })

  test('more channels than fit into one query are asked for one after the other', async () => {
    const story = startV1({ reconnect: { maxAttempts: 0 } })
    const names = Array.from({ length: 100 }, (_, index) => `${index}`.padStart(100, 'x'))
    story.socket.subscribe(names)
    story.refuseAll()
    story.network.socket().fail()
    await story.clock.settle()
    const asked: string[] = []
    for (let poll = 0; poll < 3; poll++) {
      const [url] = await answered(story, 'GET', body())
      expect(url.length).toBeLessThan(8000)
      asked.push(...(new URL(url).searchParams.get('symbols') ?? '').split(','))
      await story.clock.advance(0)
    }
    expect(asked).toEqual(names)
    expect(story.network.requests.filter(each => !each.answered)).toHaveLength(0)
  })

  test('another user: the poll under way is not heard', async () => {
    const story = await start()
    await fall(story)
    story.network.onDial = () => {}
    const before = story.network.request()
    story.socket.setIdentity('another')
    await story.clock.settle()
    expect(before.aborted).toBe(true)
    expect(story.network.request().url).not.toContain('since')
  })
})

describe('sizes', () => {
  test('frames are joined only up to what the server takes, to the byte', async () => {
    const story = startV1()
    const { socket, network } = story
    const deliveries = [60_000, 10_000, 100].map(length =>
      socket.send({ type: 'a', data: 'x'.repeat(length) }),
    )
    story.greet({ maxPayload: 65_536 })
    story.welcome()
    const frames = network.socket().sent as string[]
    expect(frames.every(frame => frame.length <= 65_536)).toBe(true)
    expect(sequence(network.socket())).toEqual(['1 a', '2 a', '3 a'])
    story.receive('ack', { seq: 3 })
    expect(deliveries.map(({ state }) => state)).toEqual(['acked', 'acked', 'acked'])
  })

  test('a message fits with its place in the sequence, or is a TypeError at the call', async () => {
    const story = startV1()
    const { socket, network } = story
    story.greet({ maxPayload: 1000 })
    story.welcome()
    const longest = (room: number): string => {
      const { timestamp } = { timestamp: story.clock.now() }
      const bare = JSON.stringify({ timestamp, type: 'a', data: '', id: 'id' }).length
      return 'x'.repeat(1000 - bare - room)
    }
    socket.send({ type: 'a', data: longest(24), id: 'id' })
    expect((network.socket().sent as string[]).every(frame => frame.length <= 1000)).toBe(true)
    expect(() => socket.send({ type: 'a', data: longest(0), id: 'id' })).toThrow(
      /^send: expected at most 976 bytes, got 1000/,
    )
  })

  test('a link closed for its size costs only a message that it had carried', async () => {
    const story = startV1({ queue: { ratePerSecond: 10 } })
    const { socket, network, clock } = story
    await story.agree()
    const deliveries = Array.from({ length: 20 }, (_, index) =>
      socket.send({ type: 'a', data: 'x'.repeat(index === 15 ? 100 : 1) }),
    )
    await clock.advance(2000)
    network.socket().close(1006)
    await clock.advance(4000)
    await story.agree()
    expect(sequence(network.socket())).toHaveLength(10)
    network.socket().close(1009)
    await dialed(story)
    await story.agree()
    expect(deliveries[15]?.state).toBe('in-flight')
    expect(deliveries.filter(({ reason }) => reason === 'invalid')).toHaveLength(1)
  })
})

describe('what changes on the way', () => {
  test('a token that comes between hello and welcome is told after it', async () => {
    const story = startV1({ token: () => 'old' })
    story.greet()
    expect(story.hello().data['token']).toBe('old')
    story.socket.setToken('new')
    story.welcome()
    await story.clock.settle()
    expect(sentOf(story.network.socket(), 'auth').map(({ data }) => data['token'])).toEqual(['new'])
  })

  test('a server that says protocol 1 too late for this link is expected to on the next', async () => {
    const story = startV1()
    story.network.socket().open()
    await story.clock.advance(1000)
    expect(story.socket.getSnapshot().phase).toBe('ready')
    story.receive('connection', { protocol: 1 })
    story.network.socket().close(1006)
    await story.clock.advance(4000)
    story.network.socket().open()
    await story.clock.advance(1500)
    expect(story.socket.getSnapshot().phase).toBe('authenticating')
    story.receive('connection', { protocol: 1 })
    story.welcome()
    expect(story.socket.getSnapshot().phase).toBe('ready')
  })
})

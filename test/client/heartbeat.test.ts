import { raw } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { start } from './support.ts'

type Story = ReturnType<typeof start>

const open = (options: Parameters<typeof start>[0] = {}): Story => {
  const story = start(options)
  story.accept()
  return story
}

const pings = ({ network }: Story): Record<string, unknown>[] =>
  network
    .socket()
    .messages()
    .filter(({ type }) => type === 'ping')

describe('the heartbeat', () => {
  test('asks after 30 s of silence, and leaves the link after 10 s more', async () => {
    const story = open()
    const { clock, socket, network } = story
    await clock.advance(29_999)
    expect(pings(story)).toHaveLength(0)
    await clock.advance(1)
    expect(pings(story)).toHaveLength(1)
    await clock.advance(9999)
    expect(socket.status).toBe('OPEN')
    await clock.advance(1)
    expect(socket.status).toBe('RECONNECTING')
    expect(socket.stateHistory.at(-1)?.reason).toBe('Heartbeat timeout')
    expect(network.socket().listeners()).toBe(0)
    const { nextRetryAt } = socket.getSnapshot()
    expect(nextRetryAt).toBe(clock.now() + 500)
  })

  test('any frame is a sign of life, before the ping and after it', async () => {
    const story = open()
    const { clock, socket, network } = story
    await clock.advance(20_000)
    network.socket().receive('garbage')
    await clock.advance(29_999)
    expect(pings(story)).toHaveLength(0)
    await clock.advance(5000)
    expect(pings(story)).toHaveLength(1)
    network.socket().receive({ type: 'tick' })
    await clock.advance(29_999)
    expect(socket.status).toBe('OPEN')
    expect(pings(story)).toHaveLength(1)
  })

  // At most 50 ms, and a hundredth of the interval.
  test.each([
    { intervalMs: 30_000, everyMs: 3, withinMs: 50 },
    { intervalMs: 1000, everyMs: 4, withinMs: 10 },
  ])('of frames close together the last counts, but for $withinMs ms', async rhythm => {
    const { intervalMs, everyMs, withinMs } = rhythm
    const story = open({ heartbeat: { intervalMs, timeoutMs: 500 } })
    const { clock, network } = story
    for (let count = 0; count < 999; count++) {
      await clock.advance(everyMs)
      network.socket().receive({ type: 'tick' })
    }
    await clock.advance(intervalMs - withinMs - 1)
    expect(pings(story)).toHaveLength(0)
    await clock.advance(withinMs + 1)
    expect(pings(story)).toHaveLength(1)
  })

  test('so is one that comes in the very millisecond in which something was sent', async () => {
    const story = open()
    const { clock, socket, network } = story
    await clock.advance(20_000)
    socket.send({ type: 'a' })
    network.socket().receive({ type: 'tick' })
    await clock.advance(29_999)
    expect(pings(story)).toHaveLength(0)
    await clock.advance(1)
    expect(pings(story)).toHaveLength(1)
  })

  test('a pong gives the round trip, if it answers the ping', async () => {
    const story = open()
    const { clock, socket, network } = story
    const heard: number[] = []
    socket.on('latency', ms => heard.push(ms))
    await clock.advance(30_000)
    const [ping] = pings(story)
    await clock.advance(25)
    network.socket().receive({ type: 'pong', replyTo: 'another' })
    network.socket().receive({ type: 'pong', data: ping?.['data'], replyTo: ping?.['id'] })
    network.socket().receive({ type: 'pong', replyTo: ping?.['id'] })
    expect(heard).toEqual([25])
    expect(socket.getSnapshot().latencyMs).toBe(25)
  })

  test('the rhythm that the server announces counts', async () => {
    const { clock, network, socket } = start()
    network.socket().open()
    network.socket().receive({
      type: 'connection',
      data: { heartbeat: { intervalMs: 1000, timeoutMs: 500 } },
    })
    await clock.advance(1500)
    expect(socket.status).toBe('RECONNECTING')
  })

  test('false never asks', async () => {
    const story = open({ heartbeat: false })
    await story.clock.advance(3_600_000)
    expect(pings(story)).toHaveLength(0)
    expect(story.socket.status).toBe('OPEN')
  })

  test('raw() only listens, unless it has something to ask with', async () => {
    const quiet = start({ protocol: raw() as never })
    quiet.network.socket().open()
    await quiet.clock.advance(3_600_000)
    expect(quiet.socket.status).toBe('OPEN')
    expect(quiet.network.socket().sent).toEqual([])

    const asking = start({ protocol: raw() as never, heartbeat: { message: 'ping' } })
    asking.network.socket().open()
    await asking.clock.advance(30_000)
    expect(asking.network.socket().sent).toEqual(['ping'])
    await asking.clock.advance(10_000)
    expect(asking.socket.status).toBe('RECONNECTING')
  })
})

describe('a machine that slept', () => {
  test('is no verdict: the link is asked and has its time to answer', async () => {
    const story = open()
    const { clock, socket, network } = story
    await clock.advance(30_000)
    clock.sleep(3_600_000)
    await clock.advance(0)
    expect(socket.status).toBe('OPEN')
    expect(pings(story).length).toBeGreaterThan(1)
    await clock.advance(9000)
    network.socket().receive({ type: 'pong' })
    await clock.advance(20_000)
    expect(socket.status).toBe('OPEN')
  })

  test('a link that died meanwhile is left after that time', async () => {
    const { clock, socket } = open()
    await clock.advance(30_000)
    clock.sleep(3_600_000)
    await clock.advance(10_000)
    expect(socket.stateHistory.at(-1)?.reason).toBe('Heartbeat timeout')
  })

  test('nothing is written into a link whose deadline has passed, until it has spoken', async () => {
    const { clock, socket, network } = open()
    clock.sleep(3_600_000)
    const delivery = socket.send({ type: 'order' })
    expect(delivery.state).toBe('queued')
    expect(
      network
        .socket()
        .messages()
        .map(({ type }) => type),
    ).toEqual(['ping'])
    network.socket().receive({ type: 'pong' })
    expect(delivery.state).toBe('sent')
    await clock.settle()
  })

  test('if that link stays silent, the message leaves on the next one', async () => {
    const { clock, socket, network, accept } = open()
    clock.sleep(3_600_000)
    const delivery = socket.send({ type: 'order' })
    await clock.advance(10_500)
    expect(delivery.state).toBe('queued')
    accept()
    expect(delivery.state).toBe('sent')
    expect(network.sockets).toHaveLength(2)
  })

  test('a wall clock that is set, forward or back, breaks no healthy link', async () => {
    const { clock, socket, network } = open()
    network.chance.length = 0
    for (const jump of [3_600_000, -7_200_000]) {
      clock.jump(jump)
      for (let count = 0; count < 20; count++) {
        await clock.advance(5000)
        network.socket().receive({ type: 'tick' })
      }
      expect(socket.status).toBe('OPEN')
    }
  })

  test('throttled timers of a hidden tab do not hide a dead link', async () => {
    const { clock, socket, network } = open()
    network.page.setHidden(true)
    for (let minute = 0; minute < 4; minute++) {
      clock.sleep(60_000)
      await clock.advance(0)
    }
    expect(socket.stateHistory.some(({ reason }) => reason === 'Heartbeat timeout')).toBe(true)
  })
})

describe('reasons to look now', () => {
  const wake: [name: string, act: (story: Story) => Promise<void> | void][] = [
    ['online', ({ network }) => network.page.setOnline(true)],
    ['the tab is visible again', ({ network }) => network.page.setHidden(false)],
    ['resume after freeze', ({ network }) => network.page.emit('resume')],
    [
      'pageshow from the cache',
      ({ network }) => network.page.emit('pageshow', { persisted: true }),
    ],
  ]

  test.each(wake)('%s: a wait ends, and the dial goes out now', async (_, act) => {
    const story = open()
    story.network.socket().close(1006)
    await act(story)
    expect(story.network.sockets).toHaveLength(2)
    expect(story.socket.getSnapshot().phase).toBe('dialing')
  })

  test.each(wake)('%s: an open link is asked, with a short deadline', async (_, act) => {
    const story = open()
    await story.clock.advance(1000)
    await act(story)
    expect(pings(story)).toHaveLength(1)
    await story.clock.advance(5000)
    expect(story.socket.stateHistory.at(-1)?.reason).toBe('Heartbeat timeout')
  })

  test('a clock that jumps: the machine slept', async () => {
    const { clock, network } = open({ reconnect: { initialDelayMs: 25_000, jitter: 0 } })
    network.socket().close(1006)
    await clock.advance(5000)
    clock.jump(3_600_000)
    await clock.advance(10_000)
    expect(network.sockets).toHaveLength(2)
  })

  test('a page that is shown without having been cached is none', () => {
    const { network } = open()
    network.socket().close(1006)
    network.page.emit('pageshow', { persisted: false })
    network.page.emit('pagehide', { persisted: false })
    expect(network.sockets).toHaveLength(1)
  })

  test('offline shows in the phase, hurries no more, and goes on slowly', async () => {
    const { clock, network, socket } = open({ url: 'wss://example.com/ws' })
    network.socket().close(1006)
    network.page.setOnline(false)
    expect(socket.getSnapshot()).toMatchObject({ status: 'RECONNECTING', phase: 'offline' })
    await clock.advance(29_999)
    expect(network.sockets).toHaveLength(1)
    await clock.advance(1)
    expect(network.sockets).toHaveLength(2)
    network.socket().fail()
    expect(socket.getSnapshot().phase).toBe('offline')
    network.page.setOnline(true)
    expect(network.sockets).toHaveLength(3)
  })

  test('offline leaves a link alone that works', async () => {
    const { network, socket } = open()
    network.page.setOnline(false)
    expect(socket.getSnapshot()).toMatchObject({ status: 'OPEN', phase: 'ready' })
  })

  test('a page that goes into the cache closes its link, and has it back when it is shown', async () => {
    const { network, socket } = open()
    network.page.emit('pagehide', { persisted: true })
    expect(network.socket().closedByClient).toMatchObject({ code: 1000 })
    expect(socket.status).toBe('RECONNECTING')
    network.page.emit('pageshow', { persisted: true })
    expect(network.sockets).toHaveLength(2)
  })

  test('in FALLBACK the socket is probed and the next poll is now', async () => {
    const { network, clock, socket } = start({ reconnect: { maxAttempts: 0 } })
    network.onRequest = request => request.answer({})
    network.socket().fail()
    await clock.advance(1000)
    network.page.setOnline(true)
    await clock.settle()
    expect(network.requests).toHaveLength(2)
    expect(network.sockets).toHaveLength(2)
    expect(socket.status).toBe('FALLBACK')
  })
})

test('a server that asks to be left is left in its time, and the attempts stay as they are', async () => {
  const { clock, network, socket } = open()
  network.chance.push(0.5)
  network
    .socket()
    .receive({ type: 'reconnect', data: { afterMs: 1000, jitterMs: 500, reason: 'deploy' } })
  await clock.advance(1249)
  expect(socket.status).toBe('OPEN')
  await clock.advance(1)
  expect(socket.stateHistory.at(-1)).toMatchObject({
    from: 'OPEN',
    to: 'RECONNECTING',
    reason: 'Server asked to reconnect',
  })
  expect(network.sockets).toHaveLength(2)
  expect(socket.getSnapshot().attempt).toBe(0)
})

describe('clocks and hurry', () => {
  test('a wall clock that was set forward and back hides no dead link', async () => {
    const { clock, socket, network } = open()
    clock.jump(3_600_000)
    network.socket().receive({ type: 'tick' })
    clock.jump(-3_600_000)
    await clock.advance(40_000)
    expect(socket.stateHistory.at(-1)?.reason).toBe('Heartbeat timeout')
  })

  test('a reason to look shortens the time that a ping already has', async () => {
    const { clock, socket, network } = open({ heartbeat: { timeoutMs: 60_000 } })
    await clock.advance(30_000)
    network.page.emit('resume')
    await clock.advance(5000)
    expect(socket.stateHistory.at(-1)?.reason).toBe('Heartbeat timeout')
  })

  test('a dial that was under way when the machine slept hangs no longer than 5 s', async () => {
    const { clock, socket, network } = start({ connectTimeoutMs: 60_000 })
    network.page.emit('resume')
    await clock.advance(3000)
    network.page.setHidden(false)
    await clock.advance(1999)
    expect(socket.status).toBe('CONNECTING')
    await clock.advance(1)
    expect(socket.stateHistory.at(-1)?.reason).toBe('Connect timeout')
  })
})

import type { ResilientWebSocket } from 'resilient-websocket'
import { describe, expect, test, vi } from 'vitest'
import { start } from './support.ts'
import { sequence, startV1 } from './v1-support.ts'

/** What a request rejects with. */
const failure = (request: Promise<unknown>): Promise<{ code?: string; message: string }> =>
  request.then(
    () => expect.fail('it was answered'),
    error => error,
  )

describe('a request that times out', () => {
  test('takes its message back while it was not sent: the retry alone arrives', async () => {
    const { accept, clock, network, socket } = start()
    const drops: unknown[] = []
    socket.on('drop', drop => drops.push(drop))
    const order = { type: 'order', data: 'buy' }
    const first = failure(socket.request(order, { timeoutMs: 200 }))
    await clock.advance(200)
    expect(await first).toMatchObject({
      code: 'TIMEOUT',
      message: 'No answer in 200 ms; the message had not been sent, and is taken back',
    })
    expect(drops).toEqual([{ message: order, reason: 'expired' }])
    failure(socket.request(order, { timeoutMs: 60_000 }))
    accept()
    expect(network.socket().messages()).toMatchObject([{ type: 'order' }])
    expect(socket.getSnapshot().queued).toBe(0)
  })

  test('sends nothing after its time, even if its timer is late', async () => {
    const { accept, clock, network, socket } = start()
    const request = failure(socket.request({ type: 'order' }, { timeoutMs: 200 }))
    clock.sleep(200)
    accept()
    expect(network.socket().messages()).toEqual([])
    expect(await request).toMatchObject({ code: 'TIMEOUT' })
  })

  test('of a queue that waits less long was not sent', async () => {
    const { clock, socket } = start({ queue: { ttlMs: 100 } })
    const request = failure(socket.request({ type: 'order' }, { timeoutMs: 200 }))
    await clock.advance(100)
    expect(await request).toMatchObject({ code: 'NOT_SENT', message: 'Not sent: expired' })
  })

  test('leaves a message alone that was sent', async () => {
    const story = startV1()
    await story.agree()
    const request = failure(story.socket.request({ type: 'order' }, { timeoutMs: 200 }))
    await story.clock.advance(200)
    expect(await request).toMatchObject({ code: 'TIMEOUT', message: 'No answer in 200 ms' })
    story.network.socket().close(1006)
    await story.clock.advance(4000)
    await story.agree()
    expect(sequence(story.network.socket())).toEqual(['1 order'])
  })
})

describe('a request whose own sending makes a listener', () => {
  type Act = (socket: ResilientWebSocket) => void
  const close: Act = socket => socket.close()
  const change: Act = socket => socket.setIdentity('bob')

  test.each([
    ['close the client', close, 'CLOSED'],
    ['change the user', change, 'UNKNOWN'],
  ])('%s rejects, sent', async (_what, act, code) => {
    const { accept, clock, network, socket } = start()
    socket.setIdentity('alice')
    accept()
    socket.on('delivery', () => act(socket as never))
    const request = failure(socket.request({ type: 'order' }))
    expect(network.sockets[0]?.messages()).toMatchObject([{ type: 'order' }])
    expect(await request).toMatchObject({ code })
    socket.close()
    expect(clock.pending()).toBe(0)
  })

  test.each([
    ['close the client', close, 'Not sent: closed'],
    ['change the user', change, 'Not sent: identity'],
  ])('%s rejects, not sent', async (_what, act, message) => {
    const { accept, network, socket } = start({ queue: { limit: 1 } })
    socket.setIdentity('alice')
    socket.send({ type: 'dropped' })
    const off = socket.on('drop', () => {
      off()
      act(socket as never)
    })
    const request = failure(socket.request({ type: 'order' }))
    expect(await request).toMatchObject({ code: 'NOT_SENT', message })
    if (act === change) accept()
    expect(network.sockets.flatMap(each => each.messages())).toEqual([])
  })
})

describe('two messages with one id', () => {
  test('the earlier request ends, and its message is not sent if it was not', async () => {
    const { accept, network, socket } = start()
    const [first, second] = ['first', 'second'].map(data =>
      socket.request({ type: 'ask', id: 'one', data }),
    ) as [Promise<unknown>, Promise<{ data?: unknown }>]
    expect(await failure(first)).toMatchObject({ code: 'NOT_SENT' })
    accept()
    expect(network.socket().messages()).toMatchObject([{ data: 'second' }])
    network.socket().receive({ type: 'answer', replyTo: 'one', data: 7 })
    expect((await second).data).toBe(7)
  })

  test('each settles, also where a listener asks once more when the first is taken back', async () => {
    const { accept, clock, network, socket } = start()
    const ask = () => failure(socket.request({ type: 'ask', id: 'one' }, { timeoutMs: 1000 }))
    const asked: ReturnType<typeof ask>[] = []
    const off = socket.on('drop', () => {
      off()
      asked.push(ask())
    })
    asked.push(ask(), ask())
    accept()
    await clock.advance(1000)
    const codes = (await Promise.all(asked)).map(({ code }) => code)
    expect(codes.sort()).toEqual(['NOT_SENT', 'TIMEOUT', 'UNKNOWN'])
    expect(network.socket().messages()).toHaveLength(2)
    socket.close()
    expect(clock.pending()).toBe(0)
  })

  test('the later one is not sent as the next user, who came when the earlier one was taken back', async () => {
    const { accept, network, socket } = start()
    accept()
    socket.setIdentity('alice')
    failure(socket.request({ type: 'ask', id: 'one' }))
    const off = socket.on('drop', () => {
      off()
      socket.setIdentity('bob')
    })
    const later = failure(socket.request({ type: 'ask', id: 'one' }))
    expect(await later).toMatchObject({ code: 'UNKNOWN' })
    accept()
    expect(network.sockets.flatMap(each => each.messages())).toEqual([])
    expect(socket.getSnapshot().queued).toBe(0)
  })

  test('a client that is closed when the earlier one is taken back keeps nothing of the later one', async () => {
    const { clock, socket } = start()
    failure(socket.request({ type: 'ask', id: 'one' }))
    socket.on('drop', () => socket.close())
    const { signal } = new AbortController()
    const remove = vi.spyOn(signal, 'removeEventListener')
    const later = failure(socket.request({ type: 'ask', id: 'one' }, { signal }))
    expect(await later).toMatchObject({ code: 'CLOSED' })
    expect(socket.metrics().queued).toBe(0)
    expect(remove).toHaveBeenCalledTimes(1)
    expect(clock.pending()).toBe(0)
  })

  test('the later one is not sent if it is aborted when the earlier one is taken back', async () => {
    const { accept, network, socket } = start()
    failure(socket.request({ type: 'ask', id: 'one' }))
    const abort = new AbortController()
    socket.on('drop', () => abort.abort('changed my mind'))
    const later = failure(socket.request({ type: 'ask', id: 'one' }, { signal: abort.signal }))
    expect(await later).toBe('changed my mind')
    accept()
    expect(network.socket().messages()).toEqual([])
  })

  test('nobody says that it was not sent if it was', async () => {
    const { accept, socket } = start()
    accept()
    const first = failure(socket.request({ type: 'ask', id: 'one' }))
    failure(socket.request({ type: 'ask', id: 'one' }))
    expect(await first).toMatchObject({ code: 'UNKNOWN', message: 'Another request took this id' })
  })

  test('the loss of the one does not reject the request of the other', async () => {
    const { accept, network, socket } = start()
    accept()
    const asked = socket.request({ type: 'ask', id: 'one' })
    network.socket().bufferedAmount = 2e6
    const abort = new AbortController()
    socket.send({ type: 'tell', id: 'one' }, { signal: abort.signal })
    abort.abort()
    network.socket().receive({ type: 'answer', replyTo: 'one' })
    await expect(asked).resolves.toMatchObject({ type: 'answer' })
  })

  test('what the next user asks is not rejected with what the one before had asked', async () => {
    const { accept, network, socket } = start()
    socket.setIdentity('alice')
    let asked: Promise<unknown> | undefined
    socket.on('drop', () => {
      asked ??= socket.request({ type: 'ask', id: 'one' })
    })
    const before = failure(socket.request({ type: 'ask', id: 'one' }))
    socket.setIdentity('bob')
    expect(await before).toMatchObject({ code: 'NOT_SENT', message: 'Not sent: identity' })
    accept()
    network.socket().receive({ type: 'answer', replyTo: 'one' })
    await expect(asked).resolves.toMatchObject({ type: 'answer' })
  })
})

test('many messages with one signal have one listener on it, and none once they are settled', () => {
  const { socket } = start()
  const abort = new AbortController()
  const add = vi.spyOn(abort.signal, 'addEventListener')
  const remove = vi.spyOn(abort.signal, 'removeEventListener')
  for (let count = 0; count < 20; count++) {
    socket.send({ type: 'order' }, { signal: abort.signal })
    failure(socket.request({ type: 'ask' }, { signal: abort.signal }))
  }
  expect(add).toHaveBeenCalledTimes(1)
  abort.abort()
  expect(socket.getSnapshot().queued).toBe(0)
  expect(remove).toHaveBeenCalledTimes(1)
})

test('eleven queued messages with one signal make Node warn of nothing', async () => {
  const warnings: string[] = []
  const warn = ({ name }: Error): number => warnings.push(name)
  process.on('warning', warn)
  const { clock, socket } = start()
  const { signal } = new AbortController()
  for (let count = 0; count < 11; count++) socket.send({ type: 'order' }, { signal })
  await clock.settle()
  process.off('warning', warn)
  expect(warnings).toEqual([])
})

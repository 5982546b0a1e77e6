import { expect, test } from 'vitest'
import { answerPolls, start } from './support.ts'
import { startV1 } from './v1-support.ts'

test('reset is told once nothing of the former user is left', async () => {
  const { accept, network, socket, clock } = start()
  socket.setIdentity('alice')
  accept()
  network.socket().receive({ type: 'balance', data: 100 })
  network.socket().receive({
    type: 'error',
    data: { code: 'FORBIDDEN', message: "Alice's account is closed" },
  })
  const asked = socket.request({ type: 'ask' }).catch(({ code }) => code)
  network.socket().bufferedAmount = 2e6
  socket.send({ type: 'order' })
  const told: unknown[] = []
  socket.on('batch', messages => told.push(`batch of ${messages.length}`))
  socket.on('drop', ({ reason }) => told.push(`drop ${reason}`))
  socket.on('status', ({ to }) => told.push(to))
  socket.on('reset', () => {
    const { lastMessage, lastMessageAt, error, queued } = socket.getSnapshot()
    told.push({ lastMessage, lastMessageAt, error, queued, last: socket.lastMessage })
  })
  network.socket().receive({ type: 'balance', data: 101 })
  socket.setIdentity('bob')
  expect(told).toEqual([
    'batch of 1',
    'drop identity',
    { lastMessage: null, lastMessageAt: null, error: null, queued: 0, last: null },
    'RECONNECTING',
  ])
  expect(await asked).toBe('UNKNOWN')
  await clock.advance(1000)
  expect(told.filter(each => `${each}`.startsWith('batch'))).toEqual(['batch of 1'])
  expect(socket.metrics()['reset']).toBe(1)
})

test('no reset is told to the first user, nor to the same one', () => {
  const { accept, socket } = start()
  let resets = 0
  socket.on('reset', () => resets++)
  socket.setIdentity('alice')
  accept()
  socket.setIdentity('alice')
  expect(resets).toBe(0)
  socket.setIdentity(null)
  expect(resets).toBe(1)
})

test('a user who is changed again while the change is told is changed once, to the last one', async () => {
  const { accept, network, socket, clock } = start()
  socket.setIdentity('alice')
  accept()
  network.socket().bufferedAmount = 2e6
  socket.send({ type: 'order' })
  let resets = 0
  socket.on('reset', () => resets++)
  socket.on('drop', () => socket.setIdentity('carol'))
  socket.setIdentity('bob')
  await clock.settle()
  expect(resets).toBe(1)
  expect(network.sockets).toHaveLength(2)
})

test('an error that ended the client is still shown to the next user: it is why nothing goes on', () => {
  const { network, socket } = start({ reconnect: { when: () => false } })
  network.socket().open()
  socket.setIdentity('alice')
  network.socket().close(4400)
  const { error } = socket
  socket.setIdentity('bob')
  expect(socket.status).toBe('ERROR')
  expect(socket.error).toBe(error)
})

test.each(['message', 'batch'] as const)(
  'of several listeners to a %s none hears it once the user is another one',
  async event => {
    const { accept, network, socket } = start()
    accept()
    const heard: string[] = []
    socket.on(event, () => {
      heard.push('first')
      socket.setIdentity('bob')
    })
    socket.on(event, () => heard.push('second'))
    network.socket().receive({ type: 'balance', data: 100 })
    expect(heard).toEqual(['first'])
  },
)

test('the next user polls without what the one before knew', async () => {
  const story = startV1({ reconnect: { maxAttempts: 0 }, token: () => 'secret' })
  const { network, clock, socket } = story
  answerPolls(network)
  network.onRequest = request =>
    request.answer(
      { protocol: 1, messages: [], channels: { A: { epoch: 'e', offset: 7 } } },
      { headers: { etag: '"of alice"' } },
    )
  socket.subscribe('A')
  await clock.settle()
  network.socket().fail()
  await clock.advance(5000)
  expect(network.request().url).toContain('since=A%3Ae%3A7')
  const before = network.requests.length
  socket.setIdentity('bob')
  await clock.settle()
  const next = network.requests[before]
  expect(next?.url).not.toContain('since')
  expect(next?.headers.get('if-none-match')).toBeNull()
})

test('the next user dials once where the word of a refused message, in a welcome, ends the user before', async () => {
  const { agree, errors, greet, network, socket, clock, welcome } = startV1()
  socket.setIdentity('alice')
  await agree()
  socket.send({ type: 'order' })
  socket.send({ type: 'order' })
  network.socket().close(1006)
  await clock.advance(4000)
  greet()
  errors.length = 0
  socket.on('drop', () => socket.setIdentity('bob'))
  welcome({ ack: 2, refused: [{ seq: 1, code: 'FORBIDDEN' }] })
  expect(errors).toEqual([])
  await agree()
  expect(network.sockets).toHaveLength(3)
  expect(socket.getSnapshot()).toMatchObject({ status: 'OPEN', phase: 'ready' })
})

test('of the answer to a POST the next user hears nothing once a listener has ended the user before', async () => {
  const { network, socket, clock, errors, messages } = startV1({ reconnect: { maxAttempts: 0 } })
  socket.setIdentity('alice')
  network.onRequest = request => {
    if (request.method === 'GET') {
      return request.answer({ protocol: 1, messages: [], channels: {} })
    }
    const { tok, messages: sent } = JSON.parse(String(request.init?.body))
    request.answer({
      tok: 'tok',
      ack: sent.length,
      ...(tok && { messages: ['one', 'two'].map(data => ({ type: 'answer', data })) }),
    })
  }
  network.socket().fail()
  await clock.settle()
  errors.length = 0
  socket.on('message', () => socket.setIdentity('bob'))
  socket.send({ type: 'order' })
  await clock.advance(15_000)
  expect(messages.map(({ data }) => data)).toEqual(['one'])
  expect(socket.metrics()['ended']).toBe(1)
  expect(errors).toEqual([])
})

test('nor is the next user told that an answer made no sense, which refused a message of the user before', async () => {
  const { network, socket, clock, errors } = startV1({ reconnect: { maxAttempts: 0 } })
  socket.setIdentity('alice')
  network.onRequest = request => {
    if (request.method === 'GET') {
      return request.answer({ protocol: 1, messages: [], channels: {} })
    }
    const { messages: sent } = JSON.parse(String(request.init?.body))
    const refused = sent.length ? [{ seq: 1, code: 'FORBIDDEN' }] : []
    request.answer({ tok: 'tok', ack: sent.length, refused })
  }
  network.socket().fail()
  await clock.settle()
  errors.length = 0
  const reasons: unknown[] = []
  socket.on('drop', ({ reason }) => {
    reasons.push(reason)
    socket.setIdentity('bob')
  })
  socket.send({ type: 'order' })
  await clock.advance(15_000)
  expect(reasons).toEqual(['unauthorized'])
  expect(errors).toEqual([])
})

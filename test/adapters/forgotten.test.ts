import { expect, test } from 'vitest'
import { createChannelStore } from '../../src/adapters/channel-store.ts'
import { viewOf } from '../../src/adapters/view-store.ts'
import { start } from '../client/support.ts'

test('nothing of the former user is shown, whatever else goes on', async () => {
  const story = start({
    reconnect: { maxAttempts: 0 },
    fallback: { parse: body => body as never },
  })
  const { network, socket, clock } = story
  const view = viewOf(socket, network.environment)
  view.subscribe(() => {})
  const newest = createChannelStore(socket)
  newest.listen(['A'], () => {})
  network.onRequest = request => request.answer([])
  network.socket().fail()
  await clock.settle()
  network.onRequest = request => request.answer([{ type: 'tick', channel: 'A', data: 1, id: '1' }])
  // A probe that hangs.
  socket.reconnect()
  await clock.advance(6000)
  network.onRequest = () => {}
  expect(view.get().lastMessage).toMatchObject({ data: 1 })
  expect(newest.get().size).toBe(1)
  socket.setIdentity('another')
  await clock.advance(2000)
  expect([view.get().lastMessage, newest.get().size]).toEqual([null, 0])
})

test.each([{ batch: false as const }, {}])(
  'nor where a listener says that it is another one, %j',
  async options => {
    const { accept, network, socket, clock } = start(options)
    accept()
    const view = viewOf(socket, network.environment)
    view.subscribe(() => {})
    const newest = createChannelStore(socket)
    newest.listen(['A'], () => {})
    await clock.settle()
    socket.on('message', ({ data }) => data === 'secret' && socket.setIdentity('another'))
    network.socket().receive({ type: 'tick', channel: 'A', data: 'secret', id: '1' })
    await clock.advance(1000)
    expect([view.get().lastMessage, view.get().messages, newest.get().size]).toEqual([null, [], 0])
  },
)

test('nor where it was received while somebody listened, and the user changed while nobody did', async () => {
  const { accept, network, socket, clock } = start({})
  accept()
  const view = viewOf(socket, network.environment)
  const off = view.subscribe(() => {})
  network.socket().receive({ type: 'tick', data: 'secret', id: '1' })
  await clock.advance(1000)
  expect(view.get().messages).toMatchObject([{ data: 'secret' }])
  off()
  socket.setIdentity('another')
  await clock.advance(1000)
  accept()
  network.socket().receive({ type: 'tick', data: 'hello', id: '2' })
  await clock.advance(1000)
  view.subscribe(() => {})
  expect(view.get()).toMatchObject({ lastMessage: { data: 'hello' }, messages: [] })
})

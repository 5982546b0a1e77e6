import { expect, test } from 'vitest'
import { createNewest } from '../../src/adapters/newest.ts'
import { viewOf } from '../../src/adapters/view.ts'
import { start } from '../client/support.ts'

test('nothing of the former user is shown, whatever else goes on', async () => {
  const story = start({
    reconnect: { maxAttempts: 0 },
    fallback: { parse: body => body as never },
  })
  const { network, socket, clock } = story
  const view = viewOf(socket, network.environment)
  view.subscribe(() => {})
  const newest = createNewest(socket)
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
  socket.setIdentity('another')
  await clock.advance(2000)
  expect([view.get().lastMessage, newest.get().size]).toEqual([null, 0])
})

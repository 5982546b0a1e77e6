import { expect, test } from 'vitest'
import { onOtherChange } from '../../src/adapters/changes.ts'
import { createNewest } from '../../src/adapters/newest.ts'
import { viewOf } from '../../src/adapters/view.ts'
import { start } from '../client/support.ts'

test('messages are no other change; that they are forgotten is one', async () => {
  const { accept, network, socket, clock } = start()
  const heard: boolean[] = []
  const off = onOtherChange(socket, forgotten => heard.push(forgotten))
  accept()
  await clock.settle()
  const before = heard.length
  expect(before).toBeGreaterThan(0)
  for (const data of [1, 2, 3]) network.socket().receive({ type: 'tick', data })
  expect(heard).toHaveLength(before)
  socket.setIdentity('another')
  expect(heard.filter(Boolean)).toHaveLength(1)
  off()
  off()
  const after = heard.length
  socket.disconnect()
  expect(heard).toHaveLength(after)
})

test('one that throws keeps it from nobody, and is told', async () => {
  const { accept, socket, log } = start()
  let heard = 0
  onOtherChange(socket, () => {
    throw new Error('this one')
  })
  onOtherChange(socket, () => heard++)
  const reported = globalThis.reportError
  globalThis.reportError = () => {}
  accept()
  await Promise.resolve()
  globalThis.reportError = reported
  expect(heard).toBeGreaterThan(0)
  expect(log.join()).toContain('this one')
})

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

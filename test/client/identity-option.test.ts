/** The option `identity`, and what becomes of a user's token when another user comes. */
import type { ResilientWebSocketOptions } from 'resilient-websocket'
import { createResilientWebSocket } from 'resilient-websocket'
import { expect, test } from 'vitest'
import { type Story, start } from './support.ts'

const tokens = ({ network }: Story): unknown[] =>
  network.sockets.map(socket =>
    socket
      .messages()
      .filter(({ type }) => type === 'auth')
      .map(({ data }) => (data as { token: string }).token),
  )

const begin = async (options: ResilientWebSocketOptions): Promise<Story> => {
  const story = start(options as never)
  await story.clock.settle()
  story.accept()
  return story
}

const become = async (story: Story, id: string | null): Promise<void> => {
  story.socket.setIdentity(id)
  await story.clock.advance(2000)
  story.accept()
}

test('the option says at creation who the user is: the same one changes nothing, another one ends it', () => {
  const { network, socket } = start({ identity: 'ann', enabled: false })
  const order = socket.send({ type: 'order', data: 1 })
  socket.setIdentity('ann')
  expect(order.state).toBe('queued')
  // Also before anything was dialed: it was queued as Ann's.
  socket.setIdentity('bob')
  expect(order).toMatchObject({ state: 'rejected', reason: 'identity' })
  expect(network.sockets).toHaveLength(0)
})

test('nobody is a user, too', () => {
  const { socket } = start({ identity: null, enabled: false })
  const order = socket.send({ type: 'order', data: 1 })
  socket.setIdentity('ann')
  expect(order).toMatchObject({ state: 'rejected', reason: 'identity' })
})

test.each([
  ['', RangeError, "identity: expected string, got ''"],
  [7, TypeError, 'identity: expected string, got 7'],
])('%j is no identity', (identity, kind, words) => {
  const create = (): unknown => createResilientWebSocket({ identity, enabled: false } as never)
  expect(create).toThrow(kind)
  expect(create).toThrow(words)
})

test('a token string is that of the user it came with, and is not said for the next one', async () => {
  const story = await begin({ identity: 'ann', token: 'of ann' })
  await become(story, 'bob')
  story.socket.setToken('of bob')
  await become(story, null)
  expect(tokens(story)).toEqual([['of ann'], ['of bob'], []])
})

test('a user that is named late keeps the token; a function is asked for each user', async () => {
  const late = await begin({ token: 'of ann' })
  await become(late, 'ann')
  expect(tokens(late)).toEqual([['of ann'], ['of ann']])
  let user = 'ann'
  const asked = await begin({ identity: 'ann', token: async () => `of ${user}` })
  user = 'bob'
  await become(asked, 'bob')
  expect(tokens(asked)).toEqual([['of ann'], ['of bob']])
})

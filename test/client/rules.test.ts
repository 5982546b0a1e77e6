/** Rules of the application that are asked when a link ends: they answer at once, or the defaults count. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { start } from './support.ts'

const rejections: unknown[] = []
const heard = (reason: unknown): void => void rejections.push(reason)
beforeEach(() => void process.on('unhandledRejection', heard))
afterEach(() => {
  process.off('unhandledRejection', heard)
  expect(rejections.splice(0)).toEqual([])
})

describe('a reconnect.when that returns a promise', () => {
  test.each([
    [1006, 'RECONNECTING'],
    [1008, 'ERROR'],
    [4403, 'ERROR'],
  ])('leaves it to the code: %i is %s', async (code, status) => {
    for (const answer of [true, false, 5]) {
      const { accept, network, socket } = start({
        reconnect: { when: (async () => answer) as never },
      })
      accept()
      network.socket().close(code)
      expect(socket.status).toBe(status)
      expect(socket.error?.message).toContain(`${code}`)
    }
  })

  test('is one error event that names it and says what to do', async () => {
    const { accept, network, errors, clock, socket } = start({
      reconnect: { when: (async () => false) as never, jitter: 0 },
    })
    for (let links = 0; links < 3; links++) {
      accept()
      network.socket().close(1006)
      await clock.advance(30_000)
    }
    expect(errors.filter(words => words.includes('reconnect.when'))).toEqual([
      'reconnect.when: expected true, false, a number or undefined at once, got a promise; it counts for nothing',
    ])
    socket.close()
  })

  test('may reject without hurting the process', async () => {
    const { accept, network, clock } = start({
      reconnect: { when: (() => Promise.reject(new Error('mine'))) as never },
    })
    accept()
    network.socket().close(1006)
    await clock.settle()
  })
})

test('a reconnect.when that throws leaves it to the code, and the log says so', () => {
  const { accept, network, socket, log } = start({
    reconnect: {
      when() {
        throw new Error('mine')
      },
    },
  })
  accept()
  network.socket().close(1008)
  expect(socket.status).toBe('ERROR')
  expect(log).toContain('error [WebSocket] reconnect.when threw: Error: mine')
})

test('a reconnect.jitter that returns a promise is one error event that names it, and adds nothing', async () => {
  const delays: number[] = []
  const { network, errors, clock, socket } = start({
    reconnect: { jitter: (() => Promise.reject(new Error('mine'))) as never },
  })
  socket.on('retry', ({ delayMs }) => delays.push(delayMs))
  network.onDial = dialed => queueMicrotask(() => dialed.fail())
  network.socket().fail()
  await clock.advance(10_000)
  expect(delays).toEqual([2000, 4000, 8000])
  expect(errors.filter(words => words.includes('reconnect.jitter'))).toEqual([
    'reconnect.jitter: expected a number at once, got a promise; it counts for nothing',
  ])
})

test('a schema that answers with any thenable is told once a message, and takes none', async () => {
  // biome-ignore lint/suspicious/noThenProperty: promises of other libraries are no Promise
  const thenable = { then: (done: (value: unknown) => void): void => done({ value: 1 }) }
  const { accept, network, errors, messages, clock } = start({
    schema: { '~standard': { validate: () => thenable as never } },
  })
  accept()
  network.socket().receive({ type: 'tick' })
  await clock.settle()
  expect(messages).toEqual([])
  expect(errors).toEqual(['schema: expected one that is not async'])
})

test('a schema whose promise rejects does not hurt the process', async () => {
  const { accept, network, errors, clock } = start({
    schema: { '~standard': { validate: () => Promise.reject(new Error('mine')) } },
  })
  accept()
  network.socket().receive({ type: 'tick' })
  await clock.settle()
  expect(errors).toEqual(['schema: expected one that is not async'])
})

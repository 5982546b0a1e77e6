import { expect, test } from 'vitest'
import { createRateLimit, type RateVerdict } from '../../src/server/rate-limit.ts'
import { connect, startServer } from './support.ts'

/** A limit of so many messages a second, on a clock of the test. */
const start = (limit = 1) => {
  let time = 0
  const mayPass = createRateLimit({ limit, perMs: 1000 }, () => time)
  return {
    at(ms: number, count: number): RateVerdict[] {
      time = ms
      return Array.from({ length: count }, () => mayPass())
    },
    costs(ms: number, count: number): RateVerdict {
      time = ms
      return mayPass(count)
    },
  }
}

test('500 refused within any 10 s are borne, the next one is abuse, also across the edge of a window', () => {
  const limit = start()
  expect(limit.at(0, 301)).not.toContain('abuse')
  // Nine and a half seconds later: 200 more refused (and one that passes) are 500 within ten seconds.
  expect(limit.at(9500, 201)).not.toContain('abuse')
  // The first 300 are older than ten seconds: 300 more are 500 again.
  expect(limit.at(10_400, 300)).not.toContain('abuse')
  expect(limit.at(10_400, 1)).toEqual(['abuse'])
})

test('a little too fast for ever is no abuse', () => {
  const limit = start()
  for (let second = 0; second < 1000; second++) {
    expect(limit.at(second * 1000, 40)).not.toContain('abuse')
  }
})

test('what counts for many costs as many, and is refused as one', () => {
  const limit = start(10)
  expect(limit.costs(0, 9)).toBe('pass')
  expect(limit.costs(0, 1001)).toBe('pass')
  expect(limit.costs(50, 1)).toBe('warn')
  expect(limit.at(50, 499)).not.toContain('abuse')
  expect(limit.costs(50, 1001)).toBe('abuse')
})

test('what counts for many costs as many, however little was left', () => {
  const limit = start(10)
  expect(limit.costs(0, 10)).toBe('pass')
  const passed: number[] = []
  for (let ms = 100; ms <= 5000; ms += 100) if (limit.costs(ms, 10) === 'pass') passed.push(ms)
  // At ten a second one that counts for ten passes once a second.
  expect(passed).toEqual([100, 1100, 2100, 3100, 4100])
})

test('whoever waits the second that is named may go on, whatever the last one counted for', () => {
  const limit = start(10)
  expect(limit.costs(0, 30_000)).toBe('pass')
  expect(limit.costs(900, 1)).toBe('warn')
  expect(limit.costs(1000, 1)).toBe('pass')
})

test('an excess is told at most once a second', () => {
  const limit = start()
  expect(limit.at(0, 4)).toEqual(['pass', 'warn', 'drop', 'drop'])
  expect(limit.at(999, 2)).toEqual(['drop', 'drop'])
  expect(limit.at(1000, 2)).toEqual(['pass', 'warn'])
})

test('frames that are no JSON count: the excess is dropped, and told once', async () => {
  const { url } = await startServer({ rateLimit: { limit: 1, perMs: 3_600_000 } })
  const peer = await connect(url)
  for (let count = 0; count < 400; count++) peer.send('garbage')
  peer.socket.ping()
  await new Promise(resolve => peer.socket.once('pong', resolve))
  expect(peer.all('error').map(({ data }) => data['code'])).toEqual(['BAD_MESSAGE', 'RATE_LIMITED'])
})

test('every element of an oversized array counts: the next frames are dropped', async () => {
  const { url } = await startServer({ rateLimit: { limit: 1001, perMs: 3_600_000 } })
  const peer = await connect(url)
  const frame = JSON.stringify(Array.from({ length: 1001 }, () => ({ type: 'x' })))
  for (let count = 0; count < 300; count++) peer.send(frame)
  peer.socket.ping()
  await new Promise(resolve => peer.socket.once('pong', resolve))
  expect(peer.all('error').map(({ data }) => data['code'])).toEqual(['BAD_MESSAGE', 'RATE_LIMITED'])
})

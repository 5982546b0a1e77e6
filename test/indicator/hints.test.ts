import {
  createResilientWebSocket,
  type ErrorCode,
  type ErrorFacts,
  ResilientWebSocketError,
} from 'resilient-websocket'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { STRINGS } from '../../src/indicator/describe.ts'
import { hintFor } from '../../src/indicator/hints.ts'

type Name = keyof typeof STRINGS | undefined

describe('the hint follows from the facts of an error', () => {
  test.each<[code: ErrorCode, facts: ErrorFacts, cause: string, hint: Name]>([
    ['LOST', { closeCode: 1006 }, '', 'hintUnreachable'],
    ['LOST', { closeCode: 3008 }, 'TimeoutError', 'hintNoAnswer'],
    ['LOST', { closeCode: 4002 }, 'TimeoutError', 'hintNoAnswer'],
    ['LOST', { closeCode: 4002 }, '', undefined],
    ['FAILED', { closeCode: 1006 }, '', 'hintUnreachable'],
    ['FAILED', {}, 'Error', undefined],
    ['FAILED', { hint: 'address' }, 'TypeError', 'hintAddress'],
    ['REFUSED', { closeCode: 4401, hint: 'login' }, '', 'hintLogin'],
    ['REFUSED', { closeCode: 4403, hint: 'origin' }, '', 'hintOrigin'],
    ['REFUSED', { closeCode: 1006, hint: 'blocked' }, '', 'hintAddress'],
    ['REFUSED', { hint: 'runtime' }, '', undefined],
    ['REFUSED', { closeCode: 4400 }, '', undefined],
    ['UNAUTHORIZED', { hint: 'login' }, '', 'hintLogin'],
    ['POLL', { httpStatus: 404, hint: 'fallback' }, '', 'hintFallback'],
    ['POLL', { httpStatus: 500 }, '', 'hintServer'],
    ['POLL', { httpStatus: 503 }, '', 'hintServer'],
    ['POLL', { httpStatus: 418 }, '', undefined],
    ['POLL', {}, 'NetworkError', 'hintUnreachable'],
    ['POLL', {}, 'TimeoutError', 'hintNoAnswer'],
    ['POLL', {}, 'TypeError', undefined],
    ['BAD_MESSAGE', {}, '', 'hintMessage'],
    ['RATE_LIMITED', {}, '', 'hintSlower'],
    ['UNKNOWN', {}, '', undefined],
    ['OUT_OF_STOCK', {}, '', undefined],
  ])('%s %j, cause %s', (code, facts, causeName, name) => {
    const cause = causeName ? Object.assign(new Error('any'), { name: causeName }) : undefined
    const hint = hintFor(new ResilientWebSocketError(code, 'any', cause, facts), STRINGS)
    expect(hint).toBe(name && STRINGS[name])
  })

  test('no message decides, whatever it says', () => {
    const message = 'url: HTTP 500, 401 or 403, a timeout, CSP: No fallback, failed to fetch'
    for (const code of ['LOST', 'FAILED', 'REFUSED', 'POLL']) {
      expect(hintFor(new ResilientWebSocketError(code, message), STRINGS)).toBeUndefined()
    }
  })

  test('no error has no hint, and other strings replace the English ones', () => {
    expect(hintFor(null, STRINGS)).toBeUndefined()
    const words = { ...STRINGS, hintServer: 'Der Server ist krank.' }
    const error = new ResilientWebSocketError('POLL', 'any', undefined, { httpStatus: 500 })
    expect(hintFor(error, words)).toBe('Der Server ist krank.')
  })
})

describe('an error that a client meets has its hint', () => {
  const meet = async (
    act: (network: FakeNetwork) => void,
    options: Parameters<typeof createResilientWebSocket>[0] = {},
  ): Promise<string | undefined> => {
    const network = createFakeNetwork()
    const { environment } = options
    const socket = createResilientWebSocket({
      reconnect: { maxAttempts: 0 },
      ...options,
      environment: { ...network.environment, ...environment },
    })
    const hints: (string | undefined)[] = []
    socket.on('error', error => hints.push(hintFor(error, STRINGS)))
    act(network)
    await network.clock.advance(0)
    await network.clock.settle()
    const found = hints.at(-1)
    socket.close()
    return found
  }
  const polled =
    (answer: FakeNetwork['onRequest']) =>
    (network: FakeNetwork): void => {
      network.onRequest = answer
      network.socket().fail()
    }

  test.each<[what: string, act: (network: FakeNetwork) => void, name: Name]>([
    ['a dial that fails', network => network.socket().fail(), 'hintUnreachable'],
    ['a log-in that ended', network => network.socket().close(4401), 'hintLogin'],
    ['a foreign origin', network => network.socket().close(4403), 'hintOrigin'],
    [
      'a poll answered with 500',
      polled(request => request.answer('', { status: 500 })),
      'hintServer',
    ],
    [
      'a poll answered with 401',
      polled(request => request.answer('', { status: 401 })),
      'hintLogin',
    ],
    [
      'a poll answered with 403',
      polled(request => request.answer('', { status: 403 })),
      'hintOrigin',
    ],
    [
      'a fallback that is not there',
      polled(request => request.answer('', { status: 404 })),
      'hintFallback',
    ],
    ['a poll that finds no network', polled(request => request.fail()), 'hintUnreachable'],
  ])('%s', async (_what, act, name) => {
    expect(await meet(act)).toBe(name && STRINGS[name])
  })

  test.each<[what: string, delayMs: number, act: (network: FakeNetwork) => void]>([
    ['a dial without an answer', 10_000, () => {}],
    ['a poll without an answer', 10_000, network => network.socket().fail()],
    [
      'a link that has fallen silent',
      40_000,
      network => {
        network.socket().open()
        network.socket().receive({ type: 'connection', data: {} })
      },
    ],
  ])('%s', async (_what, delayMs, act) => {
    const network = createFakeNetwork()
    const { environment } = network
    const socket = createResilientWebSocket({ environment, reconnect: { maxAttempts: 0 } })
    const hints: (string | undefined)[] = []
    socket.on('error', error => hints.push(hintFor(error, STRINGS)))
    act(network)
    await network.clock.settle()
    await network.clock.advance(delayMs)
    expect(hints.at(-1)).toBe(STRINGS.hintNoAnswer)
    socket.close()
  })

  test('a URL that is none', async () => {
    expect(await meet(() => {}, { url: () => '', fallback: false })).toBe(STRINGS.hintAddress)
  })
})

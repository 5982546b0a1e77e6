import type { ResilientWebSocketError } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { answerPolls, type Story, start } from './support.ts'

/** What `error` tells next, as a program reads it: no message. */
const facts = async (story: Story, act: () => void, afterMs = 0): Promise<object | undefined> => {
  const errors: ResilientWebSocketError[] = []
  story.socket.on('error', error => errors.push(error))
  act()
  await story.clock.settle()
  await story.clock.advance(afterMs)
  const error = errors[0]
  if (!error) return undefined
  const { code, closeCode, httpStatus, channel, hint } = error
  const cause = (error.cause as Error | undefined)?.name
  return JSON.parse(JSON.stringify({ code, closeCode, httpStatus, channel, hint, cause }))
}

describe('the facts of an error', () => {
  test('a link that ends says with which close code', async () => {
    const story = start()
    story.accept()
    expect(await facts(story, () => story.network.socket().close(1012))).toEqual({
      code: 'LOST',
      closeCode: 1012,
    })
    const failed = start()
    expect(await facts(failed, () => failed.network.socket().fail())).toEqual({
      code: 'FAILED',
      closeCode: 1006,
    })
  })

  test.each([
    [4401, { hint: 'login' }],
    [4403, { hint: 'origin' }],
    [4400, {}],
    [1008, {}],
  ])('a final close code %i', async (closeCode, more) => {
    const story = start()
    story.accept()
    expect(await facts(story, () => story.network.socket().close(closeCode))).toEqual({
      code: 'REFUSED',
      closeCode,
      ...more,
    })
    expect(story.socket.status).toBe('ERROR')
  })

  test('a close code that a new token may cure is no reason to log in yet', async () => {
    const story = start({ token: () => 'token' })
    story.accept()
    expect(await facts(story, () => story.network.socket().close(4401))).toEqual({
      code: 'LOST',
      closeCode: 4401,
    })
  })

  test('a dial without an answer, and a link that fell silent, have a TimeoutError as cause', async () => {
    expect(await facts(start(), () => {}, 10_000)).toEqual({
      code: 'FAILED',
      closeCode: 3008,
      cause: 'TimeoutError',
    })
    const story = start()
    story.accept()
    expect(await facts(story, () => {}, 40_000)).toEqual({
      code: 'LOST',
      closeCode: 3008,
      cause: 'TimeoutError',
    })
  })

  test.each(['', 'ftp://example.com'])('a URL that nothing can dial, %j', async url => {
    expect(await facts(start({ url: () => url }), () => {})).toEqual({
      code: 'FAILED',
      hint: 'address',
      cause: 'TypeError',
    })
  })

  test('an error that an application threw is the cause, and says no more', async () => {
    const url = (): never => {
      throw new RangeError('no region')
    }
    expect(await facts(start({ url }), () => {})).toEqual({ code: 'FAILED', cause: 'RangeError' })
  })

  test.each([
    ['SecurityError', 'blocked'],
    ['SyntaxError', 'address'],
  ])('a constructor that throws a %s', async (name, hint) => {
    const WebSocket = class {
      constructor() {
        throw Object.assign(new Error('no'), { name })
      }
    }
    const story = start({ environment: { WebSocket: WebSocket as never } })
    expect(await facts(story, () => {})).toEqual({ code: 'REFUSED', hint })
  })

  test('a runtime without WebSocket', async () => {
    const story = start({ environment: { WebSocket: undefined }, fallback: false })
    expect(await facts(story, () => {})).toEqual({ code: 'REFUSED', hint: 'runtime' })
  })

  test("a server's refusal for want of a log-in", async () => {
    const story = start()
    story.accept()
    const error = { type: 'error', data: { code: 'UNAUTHORIZED', message: 'no' } }
    expect(await facts(story, () => story.network.socket().receive(error))).toEqual({
      code: 'UNAUTHORIZED',
      hint: 'login',
    })
  })
})

describe('the facts of an error of polling', () => {
  const polling = (): Story => start({ reconnect: { maxAttempts: 0 } })
  /** Polls are answered like this, and the WebSocket fails. */
  const polled = async (
    answer: Story['network']['onRequest'],
    afterMs = 0,
  ): Promise<object | undefined> => {
    const story = polling()
    story.network.onRequest = answer
    story.network.socket().fail()
    return facts(story, () => {}, afterMs)
  }

  test.each([
    [500, { code: 'POLL', httpStatus: 500 }],
    [429, { code: 'POLL', httpStatus: 429 }],
    [404, { code: 'POLL', httpStatus: 404, hint: 'fallback' }],
    [401, { code: 'REFUSED', httpStatus: 401, hint: 'login' }],
    [403, { code: 'REFUSED', httpStatus: 403, hint: 'origin' }],
  ])('HTTP %i', async (status, expected) => {
    const told = await polled(request => request.answer('no', { status }))
    expect(told).toEqual(expected)
  })

  test('no network, no answer in time, and no JSON', async () => {
    expect(await polled(request => request.fail())).toEqual({ code: 'POLL', cause: 'NetworkError' })
    expect(await polled(() => {}, 10_000)).toEqual({ code: 'POLL', cause: 'TimeoutError' })
    expect(
      await polled(request => request.answer('{', { headers: { 'content-type': 'text/plain' } })),
    ).toEqual({ code: 'POLL', httpStatus: 200, cause: 'SyntaxError' })
  })

  test('a relative fallback.url while url() gives none', async () => {
    const story = start({ reconnect: { maxAttempts: 0 }, url: () => '' })
    await story.clock.settle()
    expect(story.socket.error).toMatchObject({ code: 'POLL', hint: 'fallback' })
  })

  test('without a WebSocket the message says so, and the facts stay', async () => {
    const story = start({ environment: { WebSocket: undefined } })
    story.network.onRequest = request => request.answer('', { status: 503 })
    await story.clock.settle()
    expect(story.socket.error).toMatchObject({ code: 'POLL', httpStatus: 503 })
    expect(story.socket.error?.message).toMatch(/HTTP 503; There is no WebSocket/)
  })

  test('a probe that fails beside polls that fail is told, but does not hide why no data comes', async () => {
    const story = polling()
    const codes: string[] = []
    story.refuseAll()
    story.network.onRequest = request => request.answer('', { status: 500 })
    story.network.socket().fail()
    await story.clock.settle()
    story.socket.on('error', ({ code }) => codes.push(code))
    const { error } = story.socket
    expect(error).toMatchObject({ code: 'POLL', httpStatus: 500 })
    story.socket.reconnect()
    // The probe fails at once; the next poll is not due yet.
    await story.clock.settle()
    expect(codes).toContain('FAILED')
    expect(story.socket.error).toMatchObject({ code: 'POLL', httpStatus: 500 })
    // Polls that are answered end it; a probe that fails is the last error again.
    answerPolls(story.network)
    await story.clock.advance(6000)
    expect(story.socket.error?.code).not.toBe('POLL')
  })
})

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fallBack, posting } from './polling-support.ts'
import { start } from './support.ts'

describe('a body', () => {
  test.each([
    [null],
    [[]],
    [[1, null]],
    [0],
    [false],
    ['text'],
    [{ protocol: 1 }],
    [{ protocol: 1, messages: {} }],
  ])('%j is one snapshot', async body => {
    const { network, clock, messages, errors } = await fallBack()
    network.request().answer(JSON.stringify(body))
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: body }])
    expect(errors).toEqual([])
  })

  test.each([
    ['{"price":', 'application/json'],
    ['price;12', 'text/csv'],
    ['<svg/>', 'image/svg+xml'],
    ['\u0000\u0001', 'application/octet-stream'],
  ])('%j is an error that says what was expected and what came', async (body, type) => {
    const { network, clock, errors } = await fallBack()
    network.request().answer(body, { headers: { 'content-type': type } })
    await clock.advance(5000)
    expect(errors).toEqual([expect.stringContaining(`Poll failed: expected JSON, got ${type}`)])
    expect(network.requests).toHaveLength(2)
  })

  test('that is no JSON is what `parse` gets as text, but not half of one that should be', async () => {
    const parse = (body: unknown) => [{ type: 'text', data: body }]
    const { network, clock, messages, errors } = await fallBack({ fallback: { parse } })
    network.request().answer('AAPL;12', { headers: { 'content-type': 'text/csv' } })
    await clock.advance(5000)
    network
      .request()
      .answer('{"AAPL":1', { headers: { 'content-type': 'application/problem+json' } })
    await clock.settle()
    expect(messages).toEqual([{ type: 'text', data: 'AAPL;12' }])
    expect(errors).toEqual([expect.stringContaining('expected JSON')])
  })

  test('that breaks off is an error, and polling goes on', async () => {
    const { network, clock, errors } = await fallBack()
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"price":'))
        controller.error(new TypeError('terminated'))
      },
    })
    network.request().answer(stream)
    await clock.advance(5000)
    expect(errors).toEqual(['terminated'])
    expect(network.requests).toHaveLength(2)
  })

  test('in pieces, cut inside a character, is read whole', async () => {
    const { network, clock, messages } = await fallBack()
    const bytes = new TextEncoder().encode('\ufeff{"price":"12 €"}')
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    network.request().answer(stream)
    await clock.settle()
    expect(messages).toEqual([{ type: 'snapshot', data: { price: '12 €' } }])
  })

  test('that is over by no end of its own is given up, also where the abort is not heard', async () => {
    const { network, clock, errors } = await fallBack()
    const cancel = vi.fn()
    network.request().answer(new ReadableStream({ cancel }))
    await clock.advance(10_000)
    expect(cancel).toHaveBeenCalledTimes(1)
    expect(errors).toEqual([expect.stringContaining('no answer in 10000 ms')])
  })

  test.each(['GET', 'POST'])('announced as larger than 16 MiB is not read (%s)', async method => {
    const body = new ReadableStream({ pull: () => pulled() }, { highWaterMark: 0 })
    const pulled = vi.fn()
    const headers = { 'content-length': `${16 * 1024 * 1024 + 1}` }
    if (method === 'GET') {
      const { network, clock, errors } = await fallBack()
      network.request().answer(body, { headers })
      await clock.settle()
      expect(errors).toEqual([expect.stringContaining('expected at most 16777216 bytes')])
    } else {
      const { answerPost, errors } = await posting()
      await answerPost(body, { headers })
      expect(errors).toEqual([expect.stringContaining('expected at most 16777216 bytes')])
    }
    expect(pulled).not.toHaveBeenCalled()
  })

  test('without a stream is read all the same, as React Native and mocks of fetch have it', async () => {
    for (const part of [{ text: async () => '{"n":1}' }, { json: async () => ({ n: 1 }) }]) {
      const answer = { ok: true, status: 200, headers: new Headers(), ...part }
      const fetch = (async () => answer) as unknown as typeof globalThis.fetch
      const { messages } = await fallBack({ environment: { fetch } })
      expect(messages).toEqual([{ type: 'snapshot', data: { n: 1 } }])
    }
  })

  test('that is too large makes the next polls ask for less', async () => {
    const { network, clock, socket } = await fallBack()
    socket.subscribe(Array.from({ length: 100 }, (_, index) => `channel-${index}`))
    const asked: number[] = []
    network.onRequest = request => {
      const count = new URL(request.url).searchParams.get('symbols')?.split(',').length ?? 0
      asked.push(count)
      const headers = { 'content-length': count > 30 ? '99999999' : '2' }
      request.answer({}, { headers })
    }
    network.request().answer({})
    await clock.advance(30_000)
    expect(asked.slice(0, 2)).toEqual([100, expect.any(Number)])
    expect(Math.max(...asked.slice(-4))).toBeLessThanOrEqual(30)
    expect(asked.at(-1)).toBeGreaterThan(1)
  })

  test('that is too large for each channel alone is asked for one by one, and never for all', async () => {
    const { network, clock, socket } = await fallBack()
    socket.subscribe(['A', 'B', 'C'])
    const asked: (string | null)[] = []
    network.onRequest = request => {
      asked.push(new URL(request.url).searchParams.get('symbols'))
      request.answer({}, { headers: { 'content-length': '99999999' } })
    }
    network.request().answer({})
    await clock.advance(200_000)
    expect(asked).toHaveLength(41)
    expect(asked.slice(-3).sort()).toEqual(['A', 'B', 'C'])
  })
})

describe('on real sockets', () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  const serve = async (answer: (response: ServerResponse) => void): Promise<string> => {
    const server = createServer((_request, response) => answer(response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/poll`
  }

  test('a body without end is given up after 16 MiB, and its connection is closed', async () => {
    let written = 0
    let closed: (() => void) | undefined
    const over = new Promise<void>(resolve => {
      closed = resolve
    })
    const chunk = Buffer.alloc(65_536, ' ')
    const url = await serve(response => {
      const write = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length
      }
      response.on('drain', write)
      response.on('close', () => closed?.())
      write()
    })
    const story = start({
      reconnect: { maxAttempts: 0 },
      fallback: { url },
      environment: { fetch: globalThis.fetch },
    })
    const failed = new Promise<string>(resolve => {
      story.socket.on('error', ({ code, message }) => code === 'POLL' && resolve(message))
    })
    story.network.socket().fail()
    expect(await failed).toContain('expected at most 16777216 bytes')
    await over
    expect(written).toBeLessThan(32 * 1024 * 1024)
    story.socket.close()
  })

  test('a small body that unpacks to 64 MiB is given up, too', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
    const url = await serve(response => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(bomb)
    })
    const story = start({
      reconnect: { maxAttempts: 0 },
      fallback: { url },
      environment: { fetch: globalThis.fetch },
    })
    const failed = new Promise<string>(resolve => {
      story.socket.on('error', ({ code, message }) => code === 'POLL' && resolve(message))
    })
    story.network.socket().fail()
    expect(await failed).toContain('expected at most 16777216 bytes')
    story.socket.close()
  })
})

/** Runtimes that lack something: no WebSocket (Node 20), no `crypto` (React Native). */
import { createResilientWebSocket, type Environment, raw } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { answerPolls, type Story, start } from './support.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('where there is no WebSocket', () => {
  const CAUSE =
    /There is no WebSocket in this runtime; pass environment: \{ WebSocket \}, such as the one of the package ws$/

  const lacking = (options: Parameters<typeof start>[0] = {}): Story => {
    const story = start({
      ...options,
      environment: { WebSocket: undefined } as Partial<Environment>,
    })
    return story
  }

  test.each([{}, { fallback: false as const }])('the log says so, once, with %j', async options => {
    const { clock, log, network } = lacking(options)
    answerPolls(network)
    await clock.advance(100_000)
    expect(log.filter(line => /no WebSocket/.test(line))).toEqual([expect.stringMatching(CAUSE)])
    expect(log.find(line => /no WebSocket/.test(line))).toMatch(/^error /)
  })

  test('without a fallback the error says so', async () => {
    const { clock, socket } = lacking({ fallback: false })
    await clock.settle()
    expect(socket.status).toBe('ERROR')
    expect(socket.error).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(CAUSE) })
  })

  test('the error of a poll does not hide it', async () => {
    const { clock, socket, network } = lacking()
    await clock.settle()
    expect(socket.error?.message).toMatch(CAUSE)
    network.request().answer('', { status: 500 })
    await clock.settle()
    expect(socket.error).toMatchObject({ code: 'POLL', message: expect.stringMatching(CAUSE) })
    expect(socket.error?.message).toMatch(/^Poll failed: HTTP 500/)
    answerPolls(network)
    await clock.advance(5000)
    expect(socket.error).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(CAUSE) })
  })

  test('nor does one that says that there is no fallback', async () => {
    const { clock, socket, network } = lacking()
    await clock.settle()
    network.request().answer('', { status: 404 })
    await clock.advance(60_000)
    expect(socket.status).toBe('ERROR')
    expect(socket.error?.message).toMatch(CAUSE)
  })

  test('a poll that works is none of its business', async () => {
    const { clock, socket, network, errors } = lacking()
    answerPolls(network)
    await clock.advance(20_000)
    expect(socket.status).toBe('FALLBACK')
    expect(errors).toEqual([expect.stringMatching(CAUSE)])
  })
})

describe('the cause of a dial that failed', () => {
  test.each([
    ['url', 'no url'],
    ['protocols', 'no protocols'],
    ['token', 'no token'],
  ])('is in the log: %s', async (name, words) => {
    const { clock, log } = start({ [name]: () => Promise.reject(new Error(words)) })
    await clock.settle()
    expect(log).toContainEqual(`warn [WebSocket] Connection failed: ${words}`)
  })

  test('is in the log also where the constructor throws', async () => {
    const { clock, log } = start({
      environment: {
        WebSocket: class {
          constructor() {
            throw new SyntaxError("The subprotocol 'auth.SECRET==' is invalid")
          }
        } as never,
      },
    })
    await clock.settle()
    expect(log.at(-1)).toMatch(
      /^warn \[WebSocket\] Connection failed: SyntaxError \(check the URL, .*CSP\)$/,
    )
  })
})

describe('where there is no crypto', () => {
  const lacking = (options: Parameters<typeof start>[0] = {}): Story => {
    vi.stubGlobal('crypto', undefined)
    return start(options)
  }
  const HINT = /getRandomValues/

  test('a plain server works: ids come from environment.random', () => {
    const { accept, socket, network } = lacking()
    accept()
    const ids = [1, 2].map(() => socket.send({ type: 'order' }).id)
    expect(ids).toEqual([
      expect.stringMatching(/^[\w-]{21}$/),
      expect.stringMatching(/^[\w-]{21}$/),
    ])
    expect(
      network
        .socket()
        .messages()
        .map(({ id }) => id),
    ).toEqual(ids)
    expect(socket.status).toBe('OPEN')
  })

  test('ids differ where chance does', () => {
    let seed = 0
    const { accept, socket } = lacking({
      environment: {
        random() {
          seed = (seed * 16807 + 11) % 2147483647
          return seed / 2147483647
        },
      },
    })
    accept()
    const ids = Array.from({ length: 200 }, () => socket.send({ type: 'order' }).id)
    expect(new Set(ids).size).toBe(200)
  })

  test.each([{}, { heartbeat: { message: 'ping' } }])('raw() works, with %j', async options => {
    vi.stubGlobal('crypto', undefined)
    const { environment, socket: newest, clock } = createFakeNetwork()
    const socket = createResilientWebSocket({ protocol: raw(), environment, ...options })
    newest().open()
    socket.send('text')
    await clock.advance(35_000)
    expect(newest().sent).toEqual(options.heartbeat ? ['text', 'ping'] : ['text'])
    expect(socket.status).toBe('OPEN')
    socket.close()
  })

  test('a server that speaks v1 ends in ERROR, with a hint that names the part', () => {
    const { network, socket } = lacking()
    network.socket().open()
    network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    expect(socket.status).toBe('ERROR')
    expect(socket.error).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(HINT) })
    expect(network.socket().sent).toEqual([])
    expect(network.socket().closedByClient).toBeDefined()
  })

  test('so does one that speaks it by HTTP', async () => {
    const { network, socket, clock } = lacking({ reconnect: { maxAttempts: 0 } })
    answerPolls(network, { protocol: 1, messages: [], channels: {} })
    network.socket().fail()
    await clock.settle()
    expect(socket.status).toBe('ERROR')
    expect(socket.error?.message).toMatch(HINT)
    await clock.advance(60_000)
    expect(network.requests).toHaveLength(1)
  })

  test('what is passed as environment.getRandomValues is used', () => {
    let calls = 0
    const story = lacking({
      environment: {
        getRandomValues(bytes) {
          calls++
          return bytes.fill(42)
        },
      },
    })
    story.network.socket().open()
    story.network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    const [hello] = story.network.socket().messages()
    expect(hello?.['type']).toBe('hello')
    // 6 bits a character: 132 random bits.
    expect(hello?.['data']).toMatchObject({ sid: expect.stringMatching(/^([\w-])\1{21}$/) })
    expect(calls).toBe(1)
  })

  test('crypto that comes later, as a polyfill does, is found', () => {
    const story = lacking({ enabled: false })
    vi.unstubAllGlobals()
    story.socket.connect()
    story.network.socket().open()
    story.network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    expect(story.network.socket().messages()[0]?.['type']).toBe('hello')
  })
})

test('environment.getRandomValues: undefined is as if there were none', () => {
  const { network, socket } = start({ environment: { getRandomValues: undefined } })
  network.socket().open()
  network.socket().receive({ type: 'connection', data: { protocol: 1 } })
  expect(socket.status).toBe('ERROR')
})

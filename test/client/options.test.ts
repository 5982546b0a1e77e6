import { createResilientWebSocket, DEFAULTS, envelope } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'

const create = (options: unknown): void => {
  const { environment } = createFakeNetwork()
  const section = typeof options === 'object' && options && !Array.isArray(options)
  const given = section ? { environment, ...options } : options
  createResilientWebSocket(given as never).close()
}

/** Bad options, what kind of error each is, and what it says. */
const BAD: readonly [
  options: unknown,
  kind: typeof TypeError | typeof RangeError,
  message: RegExp,
][] = [
  [null, TypeError, /^options: expected object, got null$/],
  [7, TypeError, /^options: expected object, got 7$/],
  [{ url: 7 }, TypeError, /^url: expected .*function.*, got 7$/],
  [{ url: '' }, RangeError, /^url: .*got ''$/],
  [{ url: null }, TypeError, /^url: .*got null$/],
  [
    { url: 'localhost:3001' },
    RangeError,
    /^url: expected a URL with ws:, wss:, http: or https:, got 'localhost:3001'; write 'ws:\/\/localhost:3001', or wss: where it has TLS$/,
  ],
  [
    { url: 'api.example.com:8080/ws' },
    RangeError,
    /; write 'ws:\/\/api\.example\.com:8080\/ws', or/,
  ],
  [
    { url: 'ftp://a.test/ws' },
    RangeError,
    /^url: expected a URL with ws:, wss:, http: or https:, got 'ftp:\/\/a\.test\/ws'$/,
  ],
  [{ url: new URL('file:///ws') }, RangeError, /^url: .*got 'file:\/\/\/ws'$/],
  [{ url: 'ws://' }, RangeError, /^url: expected a whole URL, .*got 'ws:\/\/'$/],
  [{ url: 'ws://a.test:99999' }, RangeError, /^url: expected a whole URL/],
  [{ url: 'localhost:3001/ws?token=secret' }, RangeError, /got 'localhost:3001\/ws'; [^?]*$/],
  [
    { url: 'ann:secret@localhost/ws' },
    RangeError,
    /got 'localhost\/ws'; [^:]*'ws:\/\/localhost\/ws'/,
  ],
  [{ protocols: 7 }, TypeError, /^protocols: .*got 7$/],
  [{ enabled: 'yes' }, TypeError, /^enabled: expected boolean, got 'yes'$/],
  [{ connectTimeoutMs: 0 }, RangeError, /^connectTimeoutMs: expected a number >= 1, got 0$/],
  [{ connectTimeoutMs: '10' }, TypeError, /^connectTimeoutMs: expected a number >= 1, got '10'$/],
  [{ connectTimeoutMs: Number.NaN }, RangeError, /^connectTimeoutMs: .*got NaN$/],
  [{ reconnect: 5 }, TypeError, /^reconnect: expected object, got 5$/],
  [{ reconnect: false }, TypeError, /^reconnect: expected object, got false$/],
  [
    { reconnect: { factor: 0.5 } },
    RangeError,
    /^reconnect\.factor: expected a number >= 1, got 0\.5$/,
  ],
  [
    { reconnect: { initialDelayMs: -1 } },
    RangeError,
    /^reconnect\.initialDelayMs: expected a number >= 0, got -1$/,
  ],
  [{ reconnect: { maxDelayMs: 'long' } }, TypeError, /^reconnect\.maxDelayMs: .*got 'long'$/],
  [
    { reconnect: { jitter: -0.1 } },
    RangeError,
    /^reconnect\.jitter: expected a number >= 0 or a function, got -0\.1$/,
  ],
  [{ reconnect: { jitter: 'full' } }, TypeError, /^reconnect\.jitter: .*got 'full'$/],
  [
    { reconnect: { maxAttempts: 1.5 } },
    RangeError,
    /^reconnect\.maxAttempts: expected a whole number >= 0, got 1\.5$/,
  ],
  [{ reconnect: { stableAfterMs: -5 } }, RangeError, /^reconnect\.stableAfterMs: /],
  [{ reconnect: { giveUpAfterMs: -5 } }, RangeError, /^reconnect\.giveUpAfterMs: /],
  [{ reconnect: { when: true } }, TypeError, /^reconnect\.when: expected function, got true$/],
  [
    { reconnect: { maxAttempt: 3 } },
    TypeError,
    /^reconnect\.maxAttempt: expected the name of an option/,
  ],
  [{ heartbeat: true }, TypeError, /^heartbeat: expected object or false, got true$/],
  [
    { heartbeat: { intervalMs: 0 } },
    RangeError,
    /^heartbeat\.intervalMs: expected a number >= 1, got 0$/,
  ],
  [{ heartbeat: { message: 1 } }, TypeError, /^heartbeat\.message: expected string, got 1$/],
  [{ fallback: '/snapshot' }, TypeError, /^fallback: expected object or false, got '\/snapshot'$/],
  [{ fallback: { url: '' } }, RangeError, /^fallback\.url: /],
  [{ fallback: { intervalMs: 0 } }, RangeError, /^fallback\.intervalMs: /],
  [{ fallback: { probeIntervalMs: null } }, TypeError, /^fallback\.probeIntervalMs: .*got null$/],
  [{ fallback: { afterMs: 'soon' } }, TypeError, /^fallback\.afterMs: .*got 'soon'$/],
  [{ fallback: { parse: {} } }, TypeError, /^fallback\.parse: expected function, got an object$/],
  [{ queue: { limit: -1 } }, RangeError, /^queue\.limit: expected a whole number >= 0, got -1$/],
  [
    { queue: { overflow: 'drop-newest' } },
    RangeError,
    /^queue\.overflow: expected 'drop-oldest', got 'drop-newest'$/,
  ],
  [{ queue: { ratePerSecond: 0 } }, RangeError, /^queue\.ratePerSecond: /],
  [{ queue: { ttlMs: Number.NaN } }, RangeError, /^queue\.ttlMs: /],
  [{ batch: { windowMs: '150' } }, TypeError, /^batch\.windowMs: .*got '150'$/],
  [{ batch: { maxSize: 0 } }, RangeError, /^batch\.maxSize: /],
  [
    { batch: { conflate: 'symbol' } },
    TypeError,
    /^batch\.conflate: expected function, got 'symbol'$/,
  ],
  [{ dedupe: { size: 0 } }, RangeError, /^dedupe\.size: expected a whole number >= 1, got 0$/],
  [{ dedupe: { key: 'id' } }, TypeError, /^dedupe\.key: expected function, got 'id'$/],
  [{ history: { limit: -1 } }, RangeError, /^history\.limit: /],
  [{ protocol: 'v1' }, TypeError, /^protocol: expected object with attach, got 'v1'$/],
  [{ protocol: {} }, TypeError, /^protocol: expected object with attach, got an object$/],
  [{ token: '' }, RangeError, /^token: /],
  [{ token: 5 }, TypeError, /^token: expected string or function, got 5$/],
  [{ schema: { parse() {} } }, TypeError, /^schema: expected .* with ~standard, got an object$/],
  [
    { logger: { info() {} } },
    TypeError,
    /^logger: expected .* with debug info warn error, got an object$/,
  ],
  [
    { signal: {} },
    TypeError,
    /^signal: expected object with addEventListener removeEventListener, got an object$/,
  ],
  [{ environment: 'node' }, TypeError, /^environment: expected object, got 'node'$/],
  [[], TypeError, /^options: expected object, got an array$/],
  [{ url: {} }, TypeError, /^url: expected string or object or function with href, got an object$/],
  [{ url: [] }, TypeError, /^url: .*got an array$/],
  [{ protocols: {} }, TypeError, /^protocols: expected a string, an array of them .*an object$/],
  [{ protocols: [7] }, TypeError, /^protocols: expected a string, an array of them .*an array$/],
  [{ reconnect: [] }, TypeError, /^reconnect: expected object, got an array$/],
  [{ heartbeat: [] }, TypeError, /^heartbeat: expected object or false, got an array$/],
  [
    { fallback: { url: () => '/x' } },
    TypeError,
    /^fallback\.url: expected string, got a function$/,
  ],
  [
    { protocol: { attach: 1 } },
    TypeError,
    /^protocol: expected object with attach, got an object$/,
  ],
  [
    { signal: { addEventListener: 1 } },
    TypeError,
    /^signal: expected object with addEventListener/,
  ],
  [{ logger: { debug: 1, info: 2, warn: 3, error: 4 } }, TypeError, /^logger: .*got an object$/],
  [{ environment: { now: 5 } }, TypeError, /^environment\.now: expected function, got 5$/],
  [{ environment: { WebSocket: 'ws' } }, TypeError, /^environment\.WebSocket: .*got 'ws'$/],
  [{ environment: { page: {} } }, TypeError, /^environment\.page: .*with on hidden online, got/],
  [{ environment: { foo: 1 } }, TypeError, /^environment\.foo: expected the name of an option/],
  [{ reconect: {} }, TypeError, /^reconect: expected the name of an option, got 'reconect'$/],
  [JSON.parse('{"__proto__":1}'), TypeError, /^__proto__: expected the name of an option/],
  [{ constructor: 1 }, TypeError, /^constructor: expected the name of an option/],
]

describe('a bad option is named, with what was expected and what came', () => {
  test.each(BAD)('%j', (options, Kind, message) => {
    expect(() => create(options)).toThrow(Kind)
    expect(() => create(options)).toThrow(message)
  })

  test('there are more than thirty kinds of them above', () =>
    expect(BAD.length).toBeGreaterThan(30))

  test('envelope() names its own', () => {
    expect(() => envelope({ version: 2 as never })).toThrow(
      /^envelope\.version: expected .*, got 2$/,
    )
  })
})

describe('a good option is taken', () => {
  test.each([
    [{}],
    [undefined],
    [{ url: undefined, reconnect: { factor: undefined } }],
    [{ environment: { ...createFakeNetwork().environment, page: undefined, now: undefined } }],
    [{ environment: { ...createFakeNetwork().environment, WebSocket: undefined } }],
    [{ heartbeat: false, fallback: false, batch: false, dedupe: false }],
    [{ url: new URL('ws://a.test'), protocols: ['a'] }],
    [{ url: 'HTTPS://a.test/ws' }],
    [{ url: 'http://a.test' }],
    // A page's own; on its server, where it is rendered, nothing is dialed.
    [{ url: '/ws', enabled: false }],
    [{ url: 'ws?room=a:b', enabled: false }],
    [{ url: '//a.test/ws', enabled: false }],
    [
      {
        reconnect: { maxAttempts: Number.POSITIVE_INFINITY, jitter: (delayMs: number) => delayMs },
      },
    ],
    [{ queue: { limit: 0, ttlMs: 5 }, history: { limit: 0 } }],
    [{ token: () => 'x', logger: { ...console, info() {} }, signal: new AbortController().signal }],
  ])('%j', options => {
    expect(() => create(options)).not.toThrow()
  })

  test('the defaults are those of the guide', () => {
    expect(DEFAULTS).toMatchObject({
      url: 'ws://localhost:3001/ws',
      enabled: true,
      connectTimeoutMs: 10_000,
      reconnect: {
        initialDelayMs: 2000,
        factor: 2,
        maxDelayMs: 30_000,
        jitter: 1,
        maxAttempts: 5,
        stableAfterMs: 5000,
        giveUpAfterMs: Number.POSITIVE_INFINITY,
      },
      heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
      fallback: {
        url: '/api/market/snapshot',
        intervalMs: 5000,
        timeoutMs: 10_000,
        probeIntervalMs: 30_000,
        afterMs: undefined,
      },
      queue: {
        limit: 1000,
        maxBytes: 8 * 1024 * 1024,
        overflow: 'drop-oldest',
        ttlMs: Number.POSITIVE_INFINITY,
        retries: 3,
        ratePerSecond: 40,
        maxInFlight: 256,
      },
      batch: { windowMs: 150, maxSize: 5000 },
      dedupe: { size: 10_000, ttlMs: 300_000 },
      history: { limit: 100 },
    })
  })
})

describe('options of a class', () => {
  class Settings {
    #host = 'configured.test'
    reads = 0
    get url() {
      this.reads++
      return `ws://${this.#host}/ws`
    }
    get reconnect() {
      return new (class {
        get initialDelayMs() {
          return 700
        }
      })()
    }
    token() {
      return `token of ${this.#host}`
    }
    /** Not an option. */
    describe() {
      return this.#host
    }
  }

  test('are taken from its getters and methods, each read once', async () => {
    const network = createFakeNetwork()
    const settings = new Settings()
    Object.defineProperty(settings, 'reads', { enumerable: false })
    const socket = createResilientWebSocket(
      Object.assign(settings, { environment: network.environment, heartbeat: false as const }),
    )
    expect(network.socket().url).toBe('ws://configured.test/ws')
    expect(settings.reads).toBe(1)
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    expect(network.socket().messages()).toMatchObject([
      { type: 'auth', data: { token: 'token of configured.test' } },
    ])
    network.chance.push(0)
    network.socket().close(1006)
    expect(socket.getSnapshot().nextRetryAt).toBe(network.clock.now() + 700)
    socket.close()
  })

  test('are checked like any others', () => {
    class Wrong {
      get connectTimeoutMs() {
        return 0
      }
    }
    class Misspelt {
      get reconect() {
        return {}
      }
    }
    expect(() => createResilientWebSocket(new Wrong())).toThrow(
      /^connectTimeoutMs: expected a number >= 1, got 0$/,
    )
    expect(() => createResilientWebSocket(new Misspelt() as never)).toThrow(
      /^reconect: expected the name of an option/,
    )
  })

  test('may be parts of the runtime', () => {
    const network = createFakeNetwork()
    class Runtime {
      #parts = network.environment
      get WebSocket() {
        return this.#parts.WebSocket
      }
      get setTimeout() {
        return this.#parts.setTimeout
      }
      get page() {
        return this.#parts.page
      }
      clearTimeout(timer: unknown) {
        this.#parts.clearTimeout(timer)
      }
    }
    const socket = createResilientWebSocket({ environment: new Runtime() })
    expect(network.sockets).toHaveLength(1)
    socket.close()
    expect(network.clock.pending()).toBe(0)
  })
})

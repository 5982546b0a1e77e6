import { describe, expect, test } from 'vitest'
import { readSettings, type ServeSettings, UsageError } from '../../src/cli/settings.ts'

const read = (args: string[], environment: Record<string, string> = {}): ServeSettings =>
  readSettings(['serve', ...args], environment) as ServeSettings

describe('the command line', () => {
  test.each([
    ['nothing', [], {}, 3001],
    ['PORT', [], { PORT: '4000' }, 4000],
    ['WS_PORT over PORT', [], { PORT: '4000', WS_PORT: '5000' }, 5000],
    ['an argument over both', ['6000'], { PORT: '4000', WS_PORT: '5000' }, 6000],
    ['an empty WS_PORT is none', [], { PORT: '4000', WS_PORT: ' ' }, 4000],
    ['0 picks a free one', ['0'], {}, 0],
  ])('the port is from %s', (_, args, environment, port) => {
    expect(read(args, environment).server.port).toBe(port)
  })

  test('blanks in ALLOWED_ORIGINS are trimmed, and nothing between commas is no origin', () => {
    const settings = read([], { ALLOWED_ORIGINS: ' https://a.test , https://b.test,, ' })
    expect(settings.server.allowedOrigins).toEqual(['https://a.test', 'https://b.test'])
  })

  test('--origin may be given several times and wins', () => {
    const settings = read(['--origin', 'https://c.test', '--origin', 'https://d.test'], {
      ALLOWED_ORIGINS: 'https://a.test',
    })
    expect(settings.server.allowedOrigins).toEqual(['https://c.test', 'https://d.test'])
  })

  test('every variable sets what it names', () => {
    const settings = read([], {
      WS_HOST: '127.0.0.1',
      ALLOW_MISSING_ORIGIN: '1',
      WS_TRUST_PROXY: '2',
      WS_HEARTBEAT_MS: '100',
      WS_HEARTBEAT_TIMEOUT_MS: '200',
      WS_RATE_LIMIT: '7',
      WS_MAX_PAYLOAD: '1000',
      WS_HISTORY: '5',
      WS_MAX_CONNECTIONS: '10',
      WS_MAX_CONNECTIONS_PER_ADDRESS: '2',
      WS_MAX_BUFFERED: '3000',
      WS_HANDLER_TIMEOUT_MS: '4000',
      WS_DRAIN_MS: '0',
      REDIS_URL: ' redis://localhost:6379 ',
    })
    expect(settings).toMatchObject({
      server: {
        host: '127.0.0.1',
        allowMissingOrigin: true,
        trustProxy: 2,
        heartbeat: { intervalMs: 100, timeoutMs: 200 },
        rateLimit: { limit: 7, perMs: 1000 },
        maxPayload: 1000,
        maxConnections: 10,
        maxConnectionsPerAddress: 2,
        maxBufferedBytes: 3000,
        handlerTimeoutMs: 4000,
      },
      historySize: 5,
      drainMs: 0,
      redisUrl: 'redis://localhost:6379',
    })
  })

  test('the defaults are those of the guide', () => {
    expect(read([])).toMatchObject({
      server: {
        host: '0.0.0.0',
        allowedOrigins: ['http://localhost:3000'],
        allowMissingOrigin: false,
        trustProxy: 0,
        heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
        rateLimit: { limit: 50, perMs: 1000 },
        maxPayload: 65_536,
        maxBufferedBytes: 1_048_576,
      },
      historySize: 1000,
      drainMs: 5000,
      feed: true,
      speed: 1,
      replay: undefined,
      redisUrl: undefined,
    })
  })

  test.each([
    [['99999'], {}, /PORT \(argument\): expected a port from 0 to 65535, got '99999'/],
    [['80a'], {}, /got '80a'/],
    [['-1'], {}, /-1/],
    [[], { WS_PORT: 'abc' }, /WS_PORT: expected a port .* got 'abc'/],
    [[], { PORT: '1.5' }, /PORT: expected/],
    [[], { WS_HEARTBEAT_MS: 'soon' }, /WS_HEARTBEAT_MS: expected a number/],
    [[], { ALLOW_MISSING_ORIGIN: 'yes' }, /ALLOW_MISSING_ORIGIN: expected 1 or 0, got 'yes'/],
    [[], { WS_TRUST_PROXY: '-1' }, /WS_TRUST_PROXY: expected a whole number from 0, got '-1'/],
    [[], { WS_TRUST_PROXY: '1.5' }, /WS_TRUST_PROXY: .* got '1.5'/],
    [[], { WS_RATE_LIMIT: '0' }, /WS_RATE_LIMIT/],
    [['--speed', 'fast'], {}, /--speed: expected a number/],
    [['--speed', '0'], {}, /--speed/],
    [['--colour'], {}, /--colour/],
    [['--no-feed', '--replay', 'file'], {}, /--no-feed and --replay/],
    [['--origin', 'example.com'], {}, /--origin: expected origins such as .*, got 'example.com'/],
    [[], { ALLOWED_ORIGINS: 'https://a.test,*' }, /ALLOWED_ORIGINS: expected origins .*, got '\*'/],
    [['1', '2'], {}, /Expected: serve \[PORT\]/],
  ])('%j with %j is a mistake that is named', (args, environment, message) => {
    expect(() => read(args as string[], environment)).toThrow(UsageError)
    expect(() => read(args as string[], environment)).toThrow(message)
  })

  test('--allow-missing-origin lets in programs that send no Origin', () => {
    expect(read(['--allow-missing-origin']).server.allowMissingOrigin).toBe(true)
    const environment = { ALLOW_MISSING_ORIGIN: '0' }
    expect(read(['--allow-missing-origin'], environment).server.allowMissingOrigin).toBe(true)
    expect(read([], environment).server.allowMissingOrigin).toBe(false)
  })

  test('another command is a mistake, --help and --version are none', () => {
    expect(() => readSettings(['start'], {})).toThrow(UsageError)
    expect(() => readSettings([], {})).toThrow(UsageError)
    expect(readSettings(['--help'], {})).toBe('usage')
    expect(readSettings(['serve', '--help'], {})).toBe('usage')
    expect(readSettings(['--version'], {})).toBe('version')
    expect(readSettings(['serve', '--version'], {})).toBe('version')
  })
})

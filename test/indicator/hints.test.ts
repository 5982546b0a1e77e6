import { ResilientWebSocketError } from 'resilient-websocket'
import { expect, test } from 'vitest'
import { STRINGS } from '../../src/indicator/describe.ts'
import { hintFor } from '../../src/indicator/hints.ts'

type Name = keyof typeof STRINGS | undefined

test.each<[code: string, message: string, hint: Name]>([
  ['LOST', 'Connection lost: 1006 ', 'hintUnreachable'],
  ['LOST', 'Connection lost: 1001 going away', 'hintUnreachable'],
  ['LOST', 'Heartbeat timeout', 'hintNoAnswer'],
  ['FAILED', 'Connect timeout', 'hintNoAnswer'],
  ['FAILED', 'No welcome in time', 'hintNoAnswer'],
  ['FAILED', 'Connection failed: 1006 ', 'hintUnreachable'],
  ['FAILED', "url: expected a URL, got ''", 'hintAddress'],
  ['REFUSED', 'Connection failed: 4401 (final: the server refuses this client)', 'hintLogin'],
  ['REFUSED', 'Poll refused: HTTP 401', 'hintLogin'],
  ['REFUSED', 'Connection failed: 4403 (final: the server refuses this client)', 'hintOrigin'],
  ['REFUSED', 'Poll refused: HTTP 403', 'hintOrigin'],
  ['REFUSED', 'The browser blocks wss://x.test/ws (the CSP, see connect-src)', 'hintAddress'],
  ['REFUSED', 'Connection failed: 4400 (final: the server refuses this client)', undefined],
  ['UNAUTHORIZED', 'not here', 'hintLogin'],
  ['POLL', 'No fallback at http://x.test/ (HTTP 404); set fallback.url', 'hintFallback'],
  ['POLL', 'Poll failed: HTTP 500', 'hintServer'],
  ['POLL', 'Poll failed: HTTP 503', 'hintServer'],
  ['POLL', 'Failed to fetch', 'hintUnreachable'],
  ['POLL', 'No answer in 10000 ms', 'hintNoAnswer'],
  ['BAD_MESSAGE', 'price: validation failed', 'hintMessage'],
  ['BAD_MESSAGE', 'expected 401 or 403, a timeout was lost', 'hintMessage'],
  ['UNKNOWN', 'request 1006 failed', undefined],
  ['RATE_LIMITED', 'no answer to 401 requests', 'hintSlower'],
  ['OUT_OF_STOCK', 'Order 4401 failed', undefined],
])('%s: %s', (code, message, name) => {
  const hint = hintFor(new ResilientWebSocketError(code, message), STRINGS)
  expect(hint).toBe(name && STRINGS[name])
})

test('no error, no hint; other words', () => {
  expect(hintFor(null, STRINGS)).toBeUndefined()
  const words = { ...STRINGS, hintServer: 'Der Server ist krank.' }
  expect(hintFor(new ResilientWebSocketError('POLL', 'Poll failed: HTTP 500'), words)).toBe(
    'Der Server ist krank.',
  )
})

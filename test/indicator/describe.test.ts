import { ResilientWebSocketError, type Snapshot, type Status } from 'resilient-websocket'
import { describeConnection, ENGLISH } from 'resilient-websocket/indicator'
import { expect, test } from 'vitest'

const snapshot = (status: Status, part: Partial<Snapshot> = {}): Snapshot => ({
  status,
  phase: 'idle',
  attempt: 0,
  nextRetryAt: null,
  error: null,
  lastMessage: null,
  lastMessageAt: null,
  connectedAt: null,
  transport: null,
  queued: 0,
  latencyMs: null,
  sessionId: null,
  ...part,
})

test.each([
  ['OPEN', 'green', 'Connected', false],
  ['CONNECTING', 'yellow', 'Connecting', true],
  ['RECONNECTING', 'yellow', 'Reconnecting', true],
  ['FALLBACK', 'blue', 'Fallback mode', true],
  ['CLOSED', 'red', 'Disconnected', true],
  ['ERROR', 'red', 'Connection error', true],
] as const)('%s is %s, "%s"', (status, color, label, canRetry) => {
  expect(describeConnection(snapshot(status))).toEqual({
    status,
    color,
    label,
    detail: ENGLISH.details[status],
    canRetry,
  })
})

test('the detail says what is known: offline, and what the error was', () => {
  expect(describeConnection(snapshot('RECONNECTING', { phase: 'offline' })).detail).toBe(
    ENGLISH.offline,
  )
  const error = new ResilientWebSocketError('REFUSED', 'Connection failed: 4403 origin')
  expect(describeConnection(snapshot('ERROR', { error })).detail).toBe(
    'Connection failed: 4403 origin',
  )
})

test('words may be replaced', () => {
  const strings = { ...ENGLISH, labels: { ...ENGLISH.labels, OPEN: 'Verbunden' } }
  expect(describeConnection(snapshot('OPEN'), strings).label).toBe('Verbunden')
})

test('what is no snapshot is refused in words', () => {
  expect(() => describeConnection({ status: 'open' } as never)).toThrow(
    new TypeError('describeConnection: expected the snapshot of a client, got the status open'),
  )
})

test('on a server there is no element, and importing does no harm', () => {
  expect(globalThis.HTMLElement).toBeUndefined()
})

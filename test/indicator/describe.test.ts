import type { Status } from 'resilient-websocket'
import { describeConnection } from 'resilient-websocket/indicator'
import { expect, test } from 'vitest'

test.each<[Status, string, string, boolean]>([
  ['OPEN', 'green', 'Connected', false],
  ['CONNECTING', 'yellow', 'Connecting', true],
  ['RECONNECTING', 'yellow', 'Reconnecting', true],
  ['FALLBACK', 'blue', 'Limited connection', true],
  ['CLOSED', 'red', 'Disconnected', true],
  ['ERROR', 'red', 'Connection failed', true],
])('%s is %s: %s', (status, color, label, canRetry) => {
  expect(describeConnection({ status })).toMatchObject({ status, color, label, canRetry })
})

test('the detail says what can be said, and words can be replaced', () => {
  const offline = { status: 'RECONNECTING', phase: 'offline', queued: 3 } as const
  expect(describeConnection(offline).detail).toBe(
    'This device is offline. 3 messages wait to be sent',
  )
  const german = { offline: 'Offline', queued: '{count} warten', reconnecting: 'Verbinde neu' }
  expect(describeConnection(offline, german)).toMatchObject({
    label: 'Verbinde neu',
    detail: 'Offline. 3 warten',
  })
  expect(describeConnection({ status: 'OPEN', queued: 3 }).detail).toBe('')
  expect(describeConnection({ status: 'CLOSED', queued: 1 }).detail).toBe(
    'One message waits to be sent',
  )
})

test('the attempt is counted as long as the count is possible', () => {
  const waiting = { status: 'RECONNECTING', attempt: 3, maxAttempts: 5 } as const
  expect(describeConnection(waiting).detail).toBe('Attempt 3 of 5')
  expect(describeConnection({ ...waiting, attempt: 6 }).detail).toBe('')
  expect(describeConnection({ ...waiting, status: 'FALLBACK' }).detail).not.toContain('Attempt')
  expect(describeConnection({ ...waiting, phase: 'offline' }).detail).toBe('This device is offline')
  expect(describeConnection(waiting, { attempt: '{attempt}/{max}' }).detail).toBe('3/5')
})

test('anything else is a clear error', () => {
  for (const bad of [undefined, {}, { status: 'constructor' }]) {
    expect(() => describeConnection(bad as never)).toThrow(/expected a snapshot of a client/)
  }
})

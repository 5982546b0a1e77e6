/** Words for a visitor. The library's own names are for logs, and for those who have read its docs. */
import type { DeliveryState, RejectReason, StateChange, Status } from 'resilient-websocket'
import type { IndicatorStrings } from 'resilient-websocket/indicator'

/** Those of the badge; all others are the indicator's. */
export const badgeWords = (pollsFail: boolean): Partial<IndicatorStrings> => ({
  fallback: pollsFail ? 'On fallback: no answer' : 'On fallback: polling',
  // Said beside the countdown.
  polling: '',
  pollingFails: '',
  attempt: '',
  greeting: 'waiting for the server',
  offline: 'this device is offline',
  queued: '{count} messages wait',
  queuedOne: 'one message waits',
})

const BECAME: Readonly<Record<Status, string>> = {
  OPEN: 'Connected again',
  CONNECTING: 'Connecting',
  RECONNECTING: 'Reconnecting',
  FALLBACK: 'Polling instead',
  CLOSED: 'Disconnected',
  ERROR: 'Gave up',
}

/** By the reason as the client gives it. One that is missing here is shown as it is. */
const REASONS: Readonly<Record<string, string>> = {
  'Connection lost': 'the connection broke',
  'Connection failed': 'no WebSocket gets through',
  'Connection overdue': 'no WebSocket got through in time',
  'Connect timeout': 'no answer in time',
  'Heartbeat timeout': 'nothing came any more, not even an answer',
  'No welcome in time': 'the server did not say hello',
  'Disconnect requested': 'you asked for it',
  'Reconnect requested': 'you asked for it',
  'Server asked to reconnect': 'the server asked for it',
  'Page hidden': 'the page was put away',
}

/** A change of status: what it is now, and why. */
export const changeWords = ({ from, to, reason = '' }: StateChange): [string, string] => {
  const first = to === 'OPEN' && from === 'CONNECTING'
  return [first ? 'Connected' : BECAME[to], REASONS[reason] ?? reason]
}

const STATES: Readonly<Record<DeliveryState, string>> = {
  queued: 'waits',
  'in-flight': 'on its way',
  sent: 'sent',
  acked: 'arrived',
  rejected: 'not sent',
  unknown: 'nobody knows whether it arrived',
}

const REJECTED: Readonly<Record<RejectReason, string>> = {
  overflow: 'too many were waiting',
  expired: 'it waited too long',
  invalid: 'the server could not read it',
  unauthorized: 'you may not send this',
  refused: 'the server refused it',
  closed: 'the connection was closed',
  identity: 'somebody else logged in',
}

/** What became of a message, and how often its echo came. */
export const deliveryWords = (
  state: DeliveryState,
  reason: RejectReason | undefined,
  echoes: number,
): string => {
  if (echoes > 1) return `came back ${echoes} times`
  if (echoes) return 'arrived, came back'
  return reason ? `${STATES[state]}: ${REJECTED[reason]}` : STATES[state]
}

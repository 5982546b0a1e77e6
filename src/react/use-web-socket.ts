/** The older, smaller hook. */
import { useMemo } from 'react'
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import { type LegacyStatus, legacyStatus } from '../adapters/legacy-status.ts'
import {
  type UseResilientWebSocketOptions,
  type UseResilientWebSocketResult,
  useResilientWebSocket,
} from './use-resilient-web-socket.ts'

export interface UseWebSocketResult<Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>
  extends Pick<
    UseResilientWebSocketResult<Incoming, Outgoing>,
    'lastMessage' | 'sendMessage' | 'connect' | 'disconnect' | 'reconnect' | 'isConnected'
  > {
  /** CONNECTING also while reconnecting; DISCONNECTED while on the fallback. */
  readonly status: LegacyStatus
}

/**
 * `useResilientWebSocket` with the five statuses that older code knows: CONNECTING (also while
 * reconnecting), OPEN, CLOSED, ERROR and DISCONNECTED (while on the fallback).
 */
export const useWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options?: UseResilientWebSocketOptions<Incoming, Outgoing>,
): UseWebSocketResult<Incoming, Outgoing> => {
  const whole = useResilientWebSocket(options)
  return useMemo(() => {
    const { sendMessage, connect, disconnect, reconnect } = whole
    return {
      sendMessage,
      connect,
      disconnect,
      reconnect,
      // Read only if the component reads it.
      get status() {
        return legacyStatus(whole.status)
      },
      get lastMessage() {
        return whole.lastMessage
      },
      get isConnected() {
        return whole.isConnected
      },
    }
  }, [whole])
}

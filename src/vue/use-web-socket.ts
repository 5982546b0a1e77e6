/** The older, smaller composable. */
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import { type ComputedRef, computed } from 'vue'
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
  readonly status: ComputedRef<LegacyStatus>
}

/**
 * `useResilientWebSocket` with the five statuses that older code knows: CONNECTING (also while
 * reconnecting), OPEN, CLOSED, ERROR and DISCONNECTED (while on the fallback).
 */
export const useWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options?: UseResilientWebSocketOptions<Incoming, Outgoing>,
): UseWebSocketResult<Incoming, Outgoing> => {
  const { status, lastMessage, sendMessage, connect, disconnect, reconnect, isConnected } =
    useResilientWebSocket(options)
  return {
    status: computed(() => legacyStatus(status.value)),
    lastMessage,
    sendMessage,
    connect,
    disconnect,
    reconnect,
    isConnected,
  }
}

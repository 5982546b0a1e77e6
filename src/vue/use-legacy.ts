/** The older, smaller composable. */
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import { type ComputedRef, computed } from 'vue'
import { type LegacyStatus, legacyStatus } from '../adapters/legacy-status.ts'
import type { UseResilientWebSocketResult } from './use-connection.ts'

/** The older, smaller view of a connection. */
export interface UseWebSocketResult<Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>
  extends Pick<
    UseResilientWebSocketResult<Incoming, Outgoing>,
    'lastMessage' | 'sendMessage' | 'connect' | 'disconnect' | 'reconnect' | 'isConnected'
  > {
  /** CONNECTING also while reconnecting; DISCONNECTED while on the fallback. */
  readonly status: ComputedRef<LegacyStatus>
}

/** `useWebSocket`, from the result of the newer composable. */
export const useLegacy = <Incoming, Outgoing>({
  status,
  lastMessage,
  sendMessage,
  connect,
  disconnect,
  reconnect,
  isConnected,
}: UseResilientWebSocketResult<Incoming, Outgoing>): UseWebSocketResult<Incoming, Outgoing> => ({
  status: computed(() => legacyStatus(status.value)),
  lastMessage,
  sendMessage,
  connect,
  disconnect,
  reconnect,
  isConnected,
})

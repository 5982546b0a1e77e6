/** The older, smaller hook. */
import { useMemo } from 'react'
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import { type LegacyStatus, legacyStatus } from '../adapters/legacy-status.ts'
import type { UseResilientWebSocketResult } from './use-connection.ts'

/** The older, smaller view of a connection. */
export interface UseWebSocketResult<Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>
  extends Pick<
    UseResilientWebSocketResult<Incoming, Outgoing>,
    'lastMessage' | 'sendMessage' | 'connect' | 'disconnect' | 'reconnect' | 'isConnected'
  > {
  /** CONNECTING also while reconnecting; DISCONNECTED while on the fallback. */
  readonly status: LegacyStatus
}

/** `useWebSocket`, from the result of the newer hook. */
export const useLegacy = <Incoming, Outgoing>(
  whole: UseResilientWebSocketResult<Incoming, Outgoing>,
): UseWebSocketResult<Incoming, Outgoing> =>
  useMemo(() => {
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

'use client'
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import {
  type UseResilientWebSocketOptions,
  type UseWebSocketResult,
  useWebSocket as useLibrary,
} from 'resilient-websocket/react'
import { CONNECTION } from '@/app/market/connection'

/** The older, smaller hook, on the same connection. */
export const useWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseWebSocketResult<Incoming, Outgoing> => useLibrary({ ...CONNECTION, ...options })

'use client'
import { useEffect, useRef } from 'react'
import type { ConnectionStatusElement } from 'resilient-websocket/indicator'
import 'resilient-websocket/indicator'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'

/** How the connection is, and what can be done about it. */
export const Indicator = () => {
  const { socket } = useResilientWebSocket()
  const element = useRef<ConnectionStatusElement>(null)
  useEffect(() => {
    const { current } = element
    if (!current) return
    current.strings = { fallback: 'Polling' }
    current.client = socket
    return () => {
      current.client = undefined
    }
  }, [socket])
  return <connection-status ref={element} className="indicator" data-testid="connection" />
}

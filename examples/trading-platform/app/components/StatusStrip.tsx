'use client'
import { useEffect, useState } from 'react'
import { useDesk } from '@/app/hooks/useDesk'
import { useNow } from '@/app/hooks/useNow'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { formatDuration } from '@/app/market/format'

/** Its name, its value, and what tests call it. */
type Fact = [name: string, value: string, id?: string]

const WORDS = { websocket: 'WebSocket', polling: 'Polling' }

export const StatusStrip = () => {
  const desk = useDesk()
  const { socket } = useResilientWebSocket()
  const now = useNow()
  const [perSecond, setPerSecond] = useState(0)
  useEffect(() => {
    let seen = 0
    const stop = socket.on('message', () => {
      seen++
    })
    const timer = setInterval(() => {
      setPerSecond(seen)
      seen = 0
    }, 1000)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [socket])
  if (now === undefined) return <footer className="strip" />

  const { transport, latencyMs, queued, lastMessageAt } = socket.getSnapshot()
  const counts = desk.integrity.counts()
  const sum = (field: 'missing' | 'doubled') =>
    counts.reduce((total, count) => total + count[field], 0)
  const facts: Fact[] = [
    ['Link', transport ? WORDS[transport] : 'none'],
    ['Last message', lastMessageAt ? `${formatDuration(now - lastMessageAt)} ago` : 'none yet'],
    ['Messages', `${perSecond} / s`],
    // Only a silent link is pinged, so there is often none.
    ...(latencyMs === null ? [] : [['Round trip', `${Math.round(latencyMs)} ms`] as Fact]),
    ['Waiting to be sent', String(queued)],
    ['Lost in silence', String(sum('missing')), 'lost'],
    ['Doubled', String(sum('doubled')), 'doubled'],
  ]
  return (
    <footer className="strip">
      {facts.map(([name, value, id]) => (
        <span key={name}>
          {name} <b data-testid={id}>{value}</b>
        </span>
      ))}
    </footer>
  )
}

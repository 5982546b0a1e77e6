/** The status in colour and words, the countdown, and the buttons that belong to them. */
import type { Status } from 'resilient-websocket'
import { type Connection, maxAttempts } from './connection.ts'
import { byId, element, write } from './dom.ts'

const WORDS: Readonly<Record<Status, string>> = {
  OPEN: 'Connected',
  CONNECTING: 'Connecting',
  RECONNECTING: 'Reconnecting',
  FALLBACK: 'On fallback: polling',
  CLOSED: 'Disconnected',
  ERROR: 'Error',
}

const STRIP_MS = 120_000

const seconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 1000))} s`

const duration = (ms: number): string => {
  const whole = Math.floor(ms / 1000)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

const detailOf = (socket: Connection, pollsFail: boolean): string => {
  const { status, phase, attempt, nextRetryAt, error, queued } = socket.getSnapshot()
  const wait = nextRetryAt === null ? undefined : seconds(nextRetryAt - Date.now())
  const kept = queued ? `, ${queued} ${queued === 1 ? 'message waits' : 'messages wait'}` : ''
  switch (status) {
    case 'OPEN':
      return `for ${duration(socket.connectionDuration)}${kept}`
    case 'FALLBACK':
      return `${pollsFail ? 'no answer, ' : ''}${wait ? `next try in ${wait}` : 'trying the WebSocket'}${kept}`
    case 'RECONNECTING': {
      const offline = phase === 'offline' ? 'offline, ' : ''
      const count = attempt > maxAttempts ? '' : ` (${attempt}/${maxAttempts})`
      return `${offline}${wait ? `next try in ${wait}` : 'trying'}${count}${kept}`
    }
    case 'ERROR':
      return error?.message ?? ''
    case 'CLOSED':
      return `by your wish${kept}`
    default:
      return '\u00a0'
  }
}

/** The last two minutes as a coloured strip. */
const mountStrip = (socket: Connection): (() => void) => {
  const strip = byId('strip')
  const start = Date.now()
  return () => {
    const now = Date.now()
    const from = now - STRIP_MS
    const parts: HTMLElement[] = []
    const add = (status: string, since: number, until: number): void => {
      const begin = Math.max(since, from)
      if (until <= begin) return
      const part = element('i', '')
      part.dataset.status = status
      part.style.flexGrow = `${until - begin}`
      parts.push(part)
    }
    add('NONE', from, Math.max(start, from))
    const { stateHistory } = socket
    for (const [index, { to, timestamp }] of stateHistory.entries()) {
      add(to, timestamp, stateHistory[index + 1]?.timestamp ?? now)
    }
    strip.replaceChildren(...parts)
  }
}

export const mountBadge = (socket: Connection): void => {
  const stage = byId('stage')
  const badge = byId('status')
  const detail = byId('detail')
  const tryNow = byId<HTMLButtonElement>('try-now')
  const disconnect = byId<HTMLButtonElement>('disconnect')
  const connect = byId<HTMLButtonElement>('connect')
  const drawStrip = mountStrip(socket)
  let pollsFail = false

  const render = (): void => {
    const { status } = socket
    const resting = status === 'CLOSED' || status === 'ERROR'
    write(badge, WORDS[status])
    badge.dataset.status = stage.dataset.status = status
    write(detail, detailOf(socket, pollsFail))
    tryNow.hidden = status === 'OPEN' || resting
    disconnect.hidden = resting
    connect.hidden = !resting
  }

  tryNow.addEventListener('click', () => socket.reconnect())
  disconnect.addEventListener('click', () => socket.disconnect())
  connect.addEventListener('click', () => socket.connect())

  socket.on('poll', () => {
    pollsFail = false
  })
  socket.on('error', ({ code }) => {
    if (code === 'POLL') pollsFail = true
  })

  const renderAll = (): void => {
    render()
    drawStrip()
  }
  socket.on('status', renderAll)
  // The countdown moves on its own.
  setInterval(render, 250)
  setInterval(drawStrip, 1000)
  renderAll()
}

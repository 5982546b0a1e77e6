/** The status in colour and words, the countdown, and the buttons that belong to them. */
import { describeConnection } from 'resilient-websocket/indicator'
import { type Connection, maxAttempts } from './connection.ts'
import { byId, element, write } from './dom.ts'
import type { Flow } from './flow.ts'
import { badgeWords } from './words.ts'

const STRIP_MS = 120_000

const seconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 1000))} s`

const duration = (ms: number): string => {
  const whole = Math.floor(ms / 1000)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** What is said beside the label and what the indicator says of it: how long, until when, what to do. */
const besides = (socket: Connection): string => {
  const { status, attempt, nextRetryAt } = socket.getSnapshot()
  const wait = nextRetryAt === null ? undefined : seconds(nextRetryAt - Date.now())
  switch (status) {
    case 'OPEN':
      return `for ${duration(socket.connectionDuration)}`
    case 'FALLBACK':
      return wait ? `next try in ${wait}` : 'trying the WebSocket'
    case 'RECONNECTING': {
      const count = attempt > maxAttempts ? '' : ` (${attempt}/${maxAttempts})`
      return `${wait ? `next try in ${wait}` : 'trying'}${count}`
    }
    case 'CLOSED':
      return 'until you press Connect'
    default:
      return ''
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

export const mountBadge = (socket: Connection, flow: Flow): void => {
  const stage = byId('stage')
  const badge = byId('status')
  const detail = byId('detail')
  const tryNow = byId<HTMLButtonElement>('try-now')
  const disconnect = byId<HTMLButtonElement>('disconnect')
  const connect = byId<HTMLButtonElement>('connect')
  const drawStrip = mountStrip(socket)

  const render = (): void => {
    const {
      status,
      label,
      detail: more,
    } = describeConnection(socket.getSnapshot(), badgeWords(flow.pollsFail()))
    const resting = status === 'CLOSED' || status === 'ERROR'
    write(badge, label)
    badge.dataset.status = stage.dataset.status = status
    write(detail, [besides(socket), more].filter(Boolean).join(', ') || '\u00a0')
    tryNow.hidden = status === 'OPEN' || resting
    disconnect.hidden = resting
    connect.hidden = !resting
  }

  tryNow.addEventListener('click', () => socket.reconnect())
  disconnect.addEventListener('click', () => socket.disconnect())
  connect.addEventListener('click', () => socket.connect())

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

/** Frames over a native WebSocket. */
import { type Environment, locationOf, type WebSocketLike } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { FrameRefused, type Link, type LinkEvents, type Transport } from './transport.ts'

const OPEN = 1
/** `close()` takes at most 123 bytes of reason; ours are ASCII. */
const MAX_REASON_LENGTH = 123
/** So long after its `error` a failed WebSocket has long said `close`, too. */
const CLOSE_GRACE_MS = 500
const BLOCKED_TIMER = 'blocked'

/** `url` as the page resolves it is blocked by a page of https:, which may not dial ws:. */
const isMixed = (environment: Environment, url: string): boolean =>
  locationOf(environment)?.protocol === 'https:' && /^ws:/i.test(url)

const openWebSocket = (
  environment: Environment,
  timers: Timers,
  url: string,
  protocols: string[],
  events: LinkEvents,
): Link => {
  const { WebSocket } = environment
  const socket: WebSocketLike = new (WebSocket as NonNullable<typeof WebSocket>)(url, protocols)
  socket.binaryType = 'arraybuffer'

  let open = false

  const each = (act: 'addEventListener' | 'removeEventListener'): void => {
    for (const type in listeners) socket[act](type, listeners[type] as never)
  }
  const release = (): void => {
    timers.clear(BLOCKED_TIMER)
    each('removeEventListener')
    // A socket of `ws` that fails later throws if nobody listens to its `error`.
    socket.addEventListener('error', () => {})
  }
  const closed = (code: number, reason: string, wasClean: boolean): void => {
    release()
    events.closed({ code, reason, wasClean })
  }
  const listeners: Record<string, (event: MessageEvent & CloseEvent) => void> = {
    open() {
      open = true
      events.opened()
    },
    message: event => events.received(event.data),
    close: ({ code, reason, wasClean }) => closed(code, reason, wasClean),
    // After `open`, `close` follows and brings the code.
    error() {
      if (open) return
      // WebKit blocks mixed content with an `error` alone; where it is no block, `close` follows at once.
      if (isMixed(environment, url)) timers.set(BLOCKED_TIMER, CLOSE_GRACE_MS, events.blocked)
      // Before `open`, an error is the end: Node 22 sends no `close` for a refused connection.
      else closed(1006, '', false)
    },
  }
  each('addEventListener')

  return {
    bufferedBytes: () => socket.bufferedAmount,
    send(frame) {
      // Browsers discard what is sent to a closing socket without a word.
      if (socket.readyState !== OPEN) throw new Error('The socket is not open')
      try {
        socket.send(frame)
      } catch (error) {
        // A socket that is still open refuses the frame and not the link.
        throw socket.readyState === OPEN ? new FrameRefused(error) : error
      }
    },
    close(code, reason) {
      release()
      try {
        socket.close(code, reason.slice(0, MAX_REASON_LENGTH))
      } catch {
        // Some runtimes refuse to close a socket that is connecting; it is detached all the same.
      }
    },
  }
}

export const createWebSocketTransport = (environment: Environment, timers: Timers): Transport => ({
  name: 'websocket',
  isSupported: () => environment.WebSocket !== undefined,
  open: (url, protocols, events) => openWebSocket(environment, timers, url, protocols, events),
})

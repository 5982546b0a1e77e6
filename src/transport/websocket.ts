/** Frames over a native WebSocket. */
import type { Environment, WebSocketLike } from '../shared/runtime.ts'
import { FrameRefused, type Transport, type WebSocketHandlers } from './transport.ts'

const OPEN = 1
/** `close()` takes at most 123 bytes of reason; ours are ASCII. */
const REASON_LIMIT = 123

/** Opens a socket. Throws what the constructor throws: mixed content, a CSP block, a bad URL. */
export const openWebSocket = (
  environment: Environment,
  url: string,
  protocols: string[],
  handlers: WebSocketHandlers,
): Transport => {
  const socket: WebSocketLike = new (
    environment.WebSocket as NonNullable<Environment['WebSocket']>
  )(url, protocols)
  socket.binaryType = 'arraybuffer'

  let open = false

  const each = (act: 'addEventListener' | 'removeEventListener'): void => {
    for (const type in listeners) socket[act](type, listeners[type] as never)
  }
  const release = (): void => {
    each('removeEventListener')
    // A socket of `ws` that fails later throws if nobody listens to its `error`.
    socket.addEventListener('error', () => {})
  }
  const listeners: Record<string, (event: MessageEvent & CloseEvent) => void> = {
    open() {
      open = true
      handlers.opened()
    },
    message: ({ data }) => handlers.received(data),
    close({ code, reason, wasClean }) {
      release()
      handlers.closed({ code, reason, wasClean })
    },
    // Before `open`, an error is the end: Node 22 sends no `close` for a refused connection.
    // After it, `close` follows and brings the code.
    error() {
      if (!open && !handlers.mayBeBlocked())
        listeners['close']?.({ code: 1006, reason: '', wasClean: false } as never)
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
      } catch (thrown) {
        // A socket that is still open refuses the frame and not the link.
        throw socket.readyState === OPEN ? new FrameRefused(thrown) : thrown
      }
    },
    close(code, reason) {
      release()
      try {
        socket.close(code, reason.slice(0, REASON_LIMIT))
      } catch {
        // Some runtimes refuse to close a socket that is connecting; it is detached all the same.
      }
    },
  }
}

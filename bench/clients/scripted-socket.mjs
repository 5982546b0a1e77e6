// A WebSocket without a network: the far end is a script. What a client costs beside it is the client's own cost.

/** Calls what a client has attached for `type`, by either way of attaching. */
const emit = (socket, type, event) => {
  socket[`on${type}`]?.(event)
  const listeners = socket.listeners?.get(type)
  if (!listeners) return
  for (const listener of listeners) listener(event)
}

/**
 * A class of sockets whose far end speaks `wire` (see wires.mjs). A new socket is dialled in a microtask: it opens unless
 * `refuses()` is true. `onFrame(frame)` is called for each frame that a client sends, `onDial(socket)` for each new socket.
 */
export const scriptedWebSocket = (
  wire,
  { refuses = () => false, onFrame = () => {}, onDial = () => {}, opensAlone = true } = {},
) =>
  class ScriptedWebSocket {
    static CONNECTING = 0
    static OPEN = 1
    static CLOSING = 2
    static CLOSED = 3

    readyState = 0
    bufferedAmount = 0
    binaryType = 'blob'
    protocol = ''
    extensions = ''
    onopen = null
    onmessage = null
    onerror = null
    onclose = null
    listeners

    constructor(url) {
      this.url = url
      onDial(this)
      if (opensAlone) queueMicrotask(() => this.dialled())
    }

    addEventListener(type, listener) {
      this.listeners ??= new Map()
      const list = this.listeners.get(type)
      if (list) list.push(listener)
      else this.listeners.set(type, [listener])
    }

    removeEventListener(type, listener) {
      const list = this.listeners?.get(type)
      if (list)
        this.listeners.set(
          type,
          list.filter(each => each !== listener),
        )
    }

    send(frame) {
      onFrame(frame)
      wire.answer(frame, text => queueMicrotask(() => this.say(text)))
    }

    close(code = 1000, reason = '') {
      if (this.readyState >= 2) return
      this.readyState = 2
      queueMicrotask(() => this.lost(code, reason, true))
    }

    // The far end.

    dialled() {
      if (this.readyState !== 0) return
      if (refuses()) {
        emit(this, 'error', { type: 'error', message: 'refused', error: new Error('refused') })
        this.lost(1006)
        return
      }
      this.readyState = 1
      emit(this, 'open', { type: 'open' })
      wire.greet(text => this.say(text))
    }

    say(text) {
      if (this.readyState === 1) emit(this, 'message', { type: 'message', data: text })
    }

    lost(code = 1006, reason = '', wasClean = false) {
      if (this.readyState === 3) return
      this.readyState = 3
      emit(this, 'close', { type: 'close', code, reason, wasClean })
    }
  }

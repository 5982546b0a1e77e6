// A client on a scripted socket, open and greeted.
import { loadContender } from './contenders.mjs'
import { scriptedWebSocket } from './scripted-socket.mjs'
import { WIRES } from './wires.mjs'

export const URL_OF_NOBODY = 'ws://127.0.0.1:1/ws'

export const turn = () => new Promise(resolve => setImmediate(resolve))

/** Reads the clock of the process: CPU time of all its threads, in microseconds. */
export const cpuMicroseconds = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes of the JavaScript heap that are in use after a collection. */
export const heapBytes = () => {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

/**
 * The contender, loaded, with the class of scripted sockets that its clients use. `options` are those of
 * `scriptedWebSocket`; the sockets that were dialled are in `sockets`.
 */
export const loadInMemory = async (name, options = {}) => {
  const wire = (WIRES[name] ?? WIRES.native)()
  const sockets = []
  const { onDial } = options
  const WebSocket = scriptedWebSocket(wire, {
    ...options,
    onDial(socket) {
      sockets.push(socket)
      onDial?.(socket)
    },
  })
  // socket.io-client takes the global one.
  globalThis.WebSocket = WebSocket
  const contender = await loadContender(name)
  return { contender, wire, WebSocket, sockets }
}

/** One client, open. `received()` says how many messages its listener was called with. */
export const connectInMemory = async (name, options) => {
  const { contender, wire, WebSocket, sockets } = await loadInMemory(name, options)
  let received = 0
  let client
  await new Promise(resolve => {
    client = contender.connect({
      url: URL_OF_NOBODY,
      WebSocket,
      onMessage: () => received++,
      onOpen: resolve,
    })
  })
  await turn()
  return { ...client, wire, far: () => sockets.at(-1), received: () => received }
}

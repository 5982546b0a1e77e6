/** A WebSocket of `ws` as a connection of the hub. */
import type { WebSocket } from 'ws'
import type { Connection } from '../connection/connection.ts'
import type { ServerSocket } from '../connection/server-socket.ts'
import { forLog, type ServerLogger } from '../logging.ts'

/** Frames are text, also where their bytes come as a Buffer. */
const TEXT = { binary: false }

/** A class, since every connection has one. */
export class WsSocket implements ServerSocket {
  readonly #webSocket: WebSocket

  constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket
  }

  get bufferedAmount(): number {
    return this.#webSocket.bufferedAmount
  }

  isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN
  }

  send(frame: Buffer, onWritten?: () => void): void {
    this.#webSocket.send(frame, TEXT, onWritten)
  }

  ping(): void {
    this.#webSocket.ping()
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason)
  }

  terminate(): void {
    this.#webSocket.terminate()
  }
}

/** Hands the events of a WebSocket to its connection. `onClose` is called once. */
export const listenTo = (
  webSocket: WebSocket,
  connection: Connection,
  logger: Partial<ServerLogger>,
  onClose: (connection: Connection) => void,
): void => {
  webSocket.on('error', error =>
    logger.debug?.(`Connection ${connection.id}: ${forLog(error.message)}`),
  )
  webSocket.on('message', (data: Buffer, isBinary) =>
    connection.received(isBinary ? undefined : data.toString(), data.length),
  )
  webSocket.on('ping', () => connection.pinged())
  webSocket.on('pong', () => connection.ponged())
  webSocket.on('close', () => onClose(connection))
}

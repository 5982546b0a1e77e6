/** How long sockets and promises of one server may take. All of them end with the server. */
import type { Duplex } from 'node:stream'
import { createServerTimers, type ServerEnvironment } from '../environment.ts'

export interface Deadlines {
  /**
   * Destroys the socket after so long, or when the server ends. Returns a function that cancels it; a socket that closes
   * needs no call. A socket may have several deadlines, one for each request on it.
   */
  destroy(socket: Duplex, afterMs: number): () => void
  /**
   * Settles as the promise does. Rejects with an error that contains `name` after so long; resolves to `null` when the
   * server ends before the promise settles.
   */
  settle<T>(promise: Promise<T>, withinMs: number, name: string): Promise<T | null>
  /** Destroys every socket that still has a deadline. Idempotent. */
  end(): void
}

/** The deadlines of one socket. One listener for all of them: a client that pipelines has many requests on it at once. */
interface SocketDeadlines {
  readonly names: Set<string>
  onClose(): void
}

export const createDeadlines = (environment: ServerEnvironment): Deadlines => {
  const timers = createServerTimers(environment)
  const sockets = new Map<Duplex, SocketDeadlines>()
  const settling = new Set<() => void>()
  let count = 0
  let ended = false

  const deadlinesOf = (socket: Duplex): SocketDeadlines => {
    const known = sockets.get(socket)
    if (known) return known
    const names = new Set<string>()
    const onClose = (): void => {
      sockets.delete(socket)
      for (const name of names) timers.clear(name)
    }
    const deadlines = { names, onClose }
    sockets.set(socket, deadlines)
    socket.once('close', onClose)
    return deadlines
  }

  const cancel = (socket: Duplex, name: string): void => {
    timers.clear(name)
    const deadlines = sockets.get(socket)
    if (!deadlines?.names.delete(name) || deadlines.names.size) return
    // A socket that becomes a connection has none for the rest of its life.
    sockets.delete(socket)
    socket.off('close', deadlines.onClose)
  }

  return {
    destroy(socket, afterMs) {
      if (ended) socket.destroy()
      if (socket.destroyed) return () => {}
      const name = `${++count}`
      deadlinesOf(socket).names.add(name)
      timers.set(name, afterMs, () => socket.destroy())
      return () => cancel(socket, name)
    },
    settle(promise, withinMs, name) {
      if (ended) return Promise.resolve(null)
      return new Promise((resolve, reject) => {
        const timer = `${++count}`
        const done = (): void => {
          timers.clear(timer)
          settling.delete(leave)
        }
        const leave = (): void => {
          done()
          resolve(null)
        }
        settling.add(leave)
        timers.set(timer, withinMs, () => {
          done()
          reject(new Error(`${name}: expected an answer within ${withinMs} ms, got none`))
        })
        promise.finally(done).then(resolve, reject)
      })
    },
    end() {
      ended = true
      for (const socket of [...sockets.keys()]) socket.destroy()
      for (const leave of [...settling]) leave()
    },
  }
}

/** How long things may take on a server. Everything that waits here ends with the server. */
import type { Duplex } from 'node:stream'
import { createServerTimers, type ServerEnvironment } from '../environment.ts'

export interface Deadlines {
  /**
   * Destroys the socket after so long, or when the server ends. Returns what calls it off; a socket that closes needs no
   * call. A socket may have several deadlines, one for each request on it.
   */
  destroy(socket: Duplex, afterMs: number): () => void
  /**
   * Settles as the promise does. Rejects with an error that names the function after so long; `null` when the server ends
   * before the promise settles.
   */
  settle<T>(promise: Promise<T>, withinMs: number, name: string): Promise<T | null>
  /** Destroys every socket that still has a deadline. Idempotent. */
  end(): void
}

export const createDeadlines = (environment: ServerEnvironment): Deadlines => {
  const timers = createServerTimers(environment)
  /** The names of the deadlines of each socket. */
  const sockets = new Map<Duplex, Set<string>>()
  const settling = new Set<() => void>()
  let count = 0
  let ended = false

  const namesOf = (socket: Duplex): Set<string> => {
    const known = sockets.get(socket)
    if (known) return known
    const names = new Set<string>()
    sockets.set(socket, names)
    // One listener a socket: a client that pipelines has many requests on it at once.
    socket.once('close', () => {
      sockets.delete(socket)
      for (const name of names) timers.clear(name)
    })
    return names
  }

  return {
    destroy(socket, afterMs) {
      if (ended) socket.destroy()
      if (socket.destroyed) return () => {}
      const name = `${++count}`
      const names = namesOf(socket).add(name)
      timers.set(name, afterMs, () => socket.destroy())
      return () => {
        names.delete(name)
        timers.clear(name)
      }
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

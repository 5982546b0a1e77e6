/** How this server and an application share one `http.Server`: each answers what is its own. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { offersWebSocket, readWithoutOffer } from './other-upgrade.ts'
import type { Refusal } from './upgrade.ts'

export interface Guest {
  /** Where its WebSockets are. */
  readonly path: string
  /** True for a request that it answers. */
  answers(request: IncomingMessage): boolean
  /** Answers a request if it is its own; false if it is not. */
  request(request: IncomingMessage, response: ServerResponse): boolean
  /** Takes an upgrade of its path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Answers an upgrade that is nobody's, and ends its socket. */
  refuse(socket: Duplex, refusal: Refusal): void
}

/** On the listeners of ours that only answer what nobody else does. */
const LAST_RESORT = Symbol.for('resilient-websocket.last-resort')

/**
 * Looks at every request and upgrade before the listeners of the server do, whenever those were attached: two
 * that answer one request would end the process. What is not ours goes on to them, and is 404 where there are none. A
 * request that only offers an upgrade to something else is a request, as it would be without our listener to upgrades.
 * Returns what ends it.
 */
export const joinServer = (http: Server, guest: Guest): (() => void) => {
  const isOurs = ({ url }: IncomingMessage): boolean => url?.split('?', 1)[0] === guest.path

  /** Somebody else takes upgrades, and may know a path that is not ours. */
  const hasOthers = (): boolean =>
    !http.listeners('upgrade').every(listener => LAST_RESORT in listener)

  const refuse = (_request: IncomingMessage, socket: Duplex): void => {
    if (hasOthers()) return
    if (socket.writable) {
      guest.refuse(socket, { status: 404, words: `WebSockets are at ${guest.path}` })
    }
  }
  // Node reads an upgrade as a request where nobody listens to upgrades.
  const lastResort = Object.assign(refuse, { [LAST_RESORT]: true })
  http.on('upgrade', lastResort)

  let joined = true
  const inherited = !Object.hasOwn(http, 'emit')
  const before = http.emit
  const emit = (event: string | symbol, ...given: unknown[]): boolean => {
    const pass = (): boolean => Reflect.apply(before, http, [event, ...given])
    if (!joined) return pass()
    if (event === 'upgrade') {
      const [request, socket, head] = given as [IncomingMessage, Duplex, Buffer]
      if (!offersWebSocket(request)) {
        if (!isOurs(request) && !guest.answers(request) && hasOthers()) return pass()
        readWithoutOffer(http, request, socket, head)
        return true
      }
      if (!isOurs(request)) return pass()
      guest.upgrade(request, socket, head)
      return true
    }
    if (event !== 'request') return pass()
    const [request, response] = given as [IncomingMessage, ServerResponse]
    if (!guest.request(request, response) && !pass()) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
    }
    return true
  }
  http.emit = emit as Server['emit']

  return () => {
    joined = false
    http.off('upgrade', lastResort)
    // Whoever wrapped it later keeps a way through, and finds nothing of ours in it.
    if (http.emit !== (emit as Server['emit'])) return
    if (inherited) Reflect.deleteProperty(http, 'emit')
    else http.emit = before
  }
}

/** How this server and an application share one `http.Server`: each answers its own requests and upgrades. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RequestRefusal } from './origin-check.ts'
import { offersWebSocket, readWithoutOffer } from './other-upgrade.ts'

export interface Guest {
  /** The path of its WebSockets. */
  readonly path: string
  /** True for a request that it answers. */
  answers(request: IncomingMessage): boolean
  /** Answers a request of its own; false for any other. */
  request(request: IncomingMessage, response: ServerResponse): boolean
  /** Answers an upgrade to its path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Answers an upgrade to a path that nobody knows, and ends its socket. */
  refuse(socket: Duplex, refusal: RequestRefusal): void
}

/** Marks listeners of this library, which only answer an upgrade that nobody else does. */
const LAST_RESORT = Symbol.for('resilient-websocket.last-resort')

/**
 * Looks at every request and upgrade before the listeners of the server do, whenever those were attached: two
 * that answer one request would end the process. Others go on to them, and get 404 where there are none. A
 * request that only offers an upgrade to something else is a request, as it would be without our listener to upgrades.
 * Returns a function that ends that.
 */
export const joinServer = (http: Server, guest: Guest): (() => void) => {
  const isOurs = ({ url }: IncomingMessage): boolean => url?.split('?', 1)[0] === guest.path

  /** Another listener takes upgrades, and may know a path that is not ours. */
  const hasOthers = (): boolean =>
    !http.listeners('upgrade').every(listener => LAST_RESORT in listener)

  const refuse = (_request: IncomingMessage, socket: Duplex): void => {
    if (hasOthers()) return
    if (socket.writable) {
      guest.refuse(socket, { status: 404, reason: `WebSockets are at ${guest.path}` })
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
    // If somebody wrapped `emit` after us, leave their wrapper; ours only passes on from now on.
    if (http.emit !== (emit as Server['emit'])) return
    if (inherited) Reflect.deleteProperty(http, 'emit')
    else http.emit = before
  }
}

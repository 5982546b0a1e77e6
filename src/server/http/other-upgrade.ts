/** Requests that offer an upgrade to another protocol than WebSocket, such as `h2c`: a server may ignore the offer. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

const itemsOf = (list = ''): string[] => list.split(',').map(item => item.trim())

/** True if WebSocket is one of the protocols that the client offers. */
export const offersWebSocket = ({ headers }: IncomingMessage): boolean =>
  itemsOf(headers.upgrade).some(name => name.toLowerCase() === 'websocket')

/** Headers that belong to the offer. */
const OFFER_HEADERS = ['upgrade', 'http2-settings']

/**
 * The head of a request as it would be without its offer, written anew from what Node parsed: the bytes themselves are
 * consumed.
 */
const headWithoutOffer = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = `${rawHeaders[index]}`
    const value = `${rawHeaders[index + 1]}`
    if (OFFER_HEADERS.includes(name.toLowerCase())) continue
    if (name.toLowerCase() !== 'connection') lines.push(`${name}: ${value}`)
    else {
      const rest = itemsOf(value).filter(item => !OFFER_HEADERS.includes(item.toLowerCase()))
      if (rest.length) lines.push(`${name}: ${rest.join(', ')}`)
    }
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/**
 * Has Node read a request once more, without the offer, so that its body, the answer and what follows on the connection
 * are as for any other. Injecting a connection with `emit` is what Node documents for it.
 */
export const readWithoutOffer = (
  http: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void => {
  socket.unshift(Buffer.concat([headWithoutOffer(request), head]))
  http.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}

/** Requests that offer an upgrade to something other than a WebSocket, such as `h2c`: a server may ignore the offer. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

const itemsOf = (list = ''): string[] => list.split(',').map(item => item.trim())

/** True where a WebSocket is among what the client would upgrade to. */
export const offersWebSocket = ({ headers }: IncomingMessage): boolean =>
  itemsOf(headers.upgrade).some(name => name.toLowerCase() === 'websocket')

const OF_THE_OFFER = ['upgrade', 'http2-settings']

/**
 * The head of a request as it would be without its offer. Node has taken the bytes that came, and says of them only
 * this.
 */
const headWithoutOffer = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = `${rawHeaders[index]}`
    const value = `${rawHeaders[index + 1]}`
    if (OF_THE_OFFER.includes(name.toLowerCase())) continue
    if (name.toLowerCase() !== 'connection') lines.push(`${name}: ${value}`)
    else {
      const rest = itemsOf(value).filter(item => !OF_THE_OFFER.includes(item.toLowerCase()))
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

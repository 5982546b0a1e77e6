// @ts-check
/** A TCP proxy that breaks connections the way networks do. Its types and promises: fault-proxy.d.mts. */
import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import { connect, createServer } from 'node:net'
import { createPipe } from './pipe.mjs'

/** @import { Server, Socket } from 'node:net' */
/** @import { FaultProxy, FaultProxyOptions, Ways } from './fault-proxy.d.mts' */
/** @import { Pipe, Rules } from './pipe.mjs' */

/**
 * One client connection and, once it is let through, its counterpart.
 * @typedef {{ client: Socket, server?: Socket, pipes: Pipe[], update(): void }} Link
 */

const LONGEST_HEAD = 65_536

const ignore = () => {}

/** @param {Socket} socket */
const closed = socket =>
  new Promise(resolve => (socket.closed ? resolve(undefined) : socket.once('close', resolve)))

/** @param {Ways} [ways] @returns {('up' | 'down')[]} */
const named = ({ up, down } = {}) =>
  up === undefined && down === undefined
    ? ['up', 'down']
    : [
        ...(up ? /** @type {const} */ (['up']) : []),
        ...(down ? /** @type {const} */ (['down']) : []),
      ]

/** @returns {Rules} */
const noFault = () => ({ blocked: false, swallow: false, delayMs: 0, bytesPerSecond: Infinity })

/** @type {(options: FaultProxyOptions) => Promise<FaultProxy>} */
export const createFaultProxy = async ({ target, host = '127.0.0.1', port = 0 }) => {
  const rules = { up: noFault(), down: noFault() }
  /** @type {Set<Link>} */
  const links = new Set()
  /** @type {'pass' | 'hang' | { status: number }} */
  let mode = 'pass'
  let accepted = 0
  let ended = false
  /** @type {Server | undefined} */
  let listener

  const updateAll = () => {
    for (const link of links) link.update()
  }

  /** @param {Link} link */
  const forget = link => {
    if (link.client.closed && (!link.server || link.server.closed)) links.delete(link)
  }

  /** Connects the client to the server, now or, while nothing gets through, when that ends.
   * @param {Link} link @param {Buffer} [head] */
  const letThrough = (link, head) => {
    const { client } = link
    client.pause()
    link.update = () => {
      if (rules.up.blocked || client.destroyed) return
      const server = connect({ ...target, allowHalfOpen: true, noDelay: true })
      const up = createPipe(client, server, rules.up)
      const down = createPipe(server, client, rules.down)
      link.server = server
      link.pipes = [up, down]
      client.on('error', () => up.reset())
      server.on('error', () => down.reset())
      server.once('close', () => forget(link))
      link.update = () => {
        // Only bytes of both ways decide: a stream with a hole in one is of no use in the other.
        if (link.pipes.some(pipe => pipe.torn())) {
          client.resetAndDestroy()
          server.resetAndDestroy()
        } else for (const pipe of link.pipes) pipe.update()
      }
      if (head?.length) up.push(head)
      link.update()
    }
    link.update()
  }

  /** Reads the head of the first request, to tell an upgrade from plain HTTP.
   * @param {Link} link @param {number} status */
  const sniff = (link, status) => {
    const { client } = link
    let head = Buffer.alloc(0)
    const leave = () => client.end()
    /** @param {Buffer} chunk */
    const read = chunk => {
      head = Buffer.concat([head, chunk])
      const text = head.toString('latin1')
      if (!text.includes('\r\n\r\n') && head.length < LONGEST_HEAD) return
      client.off('data', read)
      client.off('end', leave)
      if (/^upgrade:/im.test(text)) {
        const words = STATUS_CODES[status] ?? 'Refused'
        client.end(`HTTP/1.1 ${status} ${words}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        client.resume()
      } else letThrough(link, head)
    }
    client.on('data', read)
    client.once('end', leave)
  }

  /** @param {Socket} client */
  const accept = client => {
    accepted++
    const { status } = typeof mode === 'object' ? mode : { status: undefined }
    /** @type {Link} */
    const link = { client, pipes: [], update: ignore }
    links.add(link)
    client.on('error', ignore)
    client.once('close', () => forget(link))
    if (mode === 'pass') letThrough(link)
    else if (status) sniff(link, status)
    else {
      client.once('end', () => client.end())
      client.resume()
    }
  }

  /** @param {number} at @returns {Promise<number>} */
  const listen = async at => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
    listener = server
    server.listen(at, host)
    await once(server, 'listening')
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port
  }

  const stopListening = () => {
    listener?.close()
    listener = undefined
  }

  /** @param {(socket: Socket) => void} how */
  const endAll = how => {
    const hit = [...links]
    for (const link of hit) {
      link.update = ignore
      for (const pipe of link.pipes) pipe.stop()
      how(link.client)
      if (link.server) how(link.server)
    }
    return hit.length
  }

  const ownPort = await listen(port)

  return {
    port: ownPort,
    get connections() {
      return [...links].filter(link => !link.client.destroyed).length
    },
    get accepted() {
      return accepted
    },
    url: (path = '') => `ws://${host}:${ownPort}${path}`,

    cut: () => endAll(socket => socket.destroy()),
    fin: () =>
      endAll(socket => {
        socket.end()
        socket.resume()
      }),
    rst: () => endAll(socket => socket.resetAndDestroy()),

    blackhole(ways = {}) {
      for (const way of named(ways)) {
        Object.assign(rules[way], { blocked: true, swallow: ways.swallow ?? false })
      }
      updateAll()
    },
    delay(ms, ways) {
      for (const way of named(ways)) rules[way].delayMs = ms
      updateAll()
    },
    throttle(bytesPerSecond, ways) {
      for (const way of named(ways)) rules[way].bytesPerSecond = bytesPerSecond
      updateAll()
    },
    heal() {
      Object.assign(rules.up, noFault())
      Object.assign(rules.down, noFault())
      updateAll()
    },

    async refuse() {
      stopListening()
    },
    hang() {
      mode = 'hang'
    },
    rejectUpgrade(status) {
      mode = { status }
    },
    async resume() {
      mode = 'pass'
      if (!listener && !ended) await listen(ownPort)
    },

    async close() {
      ended = true
      stopListening()
      const sockets = [...links].flatMap(({ client, server }) =>
        server ? [client, server] : [client],
      )
      endAll(socket => socket.destroy())
      await Promise.all(sockets.map(closed))
    },
  }
}

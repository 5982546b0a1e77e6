// A server on loopback that publishes to all who are connected: `node --expose-gc bench/servers/publishing.mjs CONTENDER`. It is
// alone in its process, and answers what it is asked: `memory`, or `{ publications, perTurn, everyMs }`.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { Server } from 'socket.io'
import { WebSocketServer } from 'ws'
import { WIRES } from '../clients/wires.mjs'

const CHANNEL = 'AAPL'
const PATH = '/ws'
/** For what is written after the turn of the publication. */
const AFTER_MS = 300

const name = process.argv[2]
const wire = WIRES.native()
let number = 0

const bare = async () => {
  const site = createServer()
  const server = new WebSocketServer({ server: site, path: PATH })
  server.on('connection', socket => {
    socket.on('error', () => {})
    socket.on('message', data => {
      if (JSON.parse(String(data)).type === 'subscribe') socket.send('{"type":"subscribed"}')
    })
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  return {
    port: site.address().port,
    publish() {
      const text = wire.message(++number)
      for (const socket of server.clients) socket.send(text)
    },
  }
}

const socketIo = async () => {
  const site = createServer()
  const server = new Server(site)
  server.on('connection', socket => socket.join(CHANNEL))
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  return {
    port: site.address().port,
    publish: () => server.to(CHANNEL).emit('market_data', JSON.parse(wire.message(++number))),
  }
}

const companion = async () => {
  const library = await import('resilient-websocket/server')
  const server = library.createServer({ port: 0, host: '127.0.0.1', allowMissingOrigin: true })
  const { port } = await server.listen()
  return {
    port,
    publish() {
      const { type, data } = JSON.parse(wire.message(++number))
      return server.publish(CHANNEL, { type, data })
    },
  }
}

const SERVERS = { native: bare, 'socket.io': socketIo, plain: companion, v1: companion }
const { port, publish } = await SERVERS[name]()

const memory = () => {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { used: heapUsed + external, resident: rss }
}

/** CPU time of this process in microseconds, while it publishes. */
const run = async ({ publications, perTurn, everyMs }) => {
  const { user, system } = process.cpuUsage()
  for (let left = publications; left > 0; left -= perTurn) {
    for (let of = perTurn; of; of--) void publish()
    await wait(everyMs)
  }
  await wait(AFTER_MS)
  const after = process.cpuUsage()
  return after.user + after.system - user - system
}

process.on('message', async question => {
  process.send(question === 'memory' ? memory() : await run(question))
})
// Its parent has ended, whatever the cause.
process.on('disconnect', () => process.exit(0))
process.send({ port })

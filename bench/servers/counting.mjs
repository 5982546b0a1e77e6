// A server on loopback that counts messages: `node bench/servers/counting.mjs CONTENDER`. Socket.IO has its own, the
// others a `ws` server that speaks as their wire says. Asked for a number of messages, it answers once it has so many.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { WebSocketServer } from 'ws'
import { WIRES } from '../clients/wires.mjs'

const name = process.argv[2]
const site = createServer()
let count = 0
let awaited = Number.POSITIVE_INFINITY
const add = more => {
  count += more
  if (count < awaited) return
  awaited = Number.POSITIVE_INFINITY
  process.send({ count })
}
process.on('message', number => {
  awaited = number
  add(0)
})

if (name === 'socket.io') {
  const server = new Server(site)
  server.on('connection', socket => socket.on('order', () => add(1)))
} else {
  const wire = (WIRES[name] ?? WIRES.native)()
  new WebSocketServer({ server: site }).on('connection', socket => {
    const say = text => socket.send(text)
    wire.greet(say)
    socket.on('message', data => {
      const frame = String(data)
      wire.answer(frame, say)
      add(wire.count(frame))
    })
  })
}
site.listen(0, '127.0.0.1')
await once(site, 'listening')
// Its parent has ended, whatever the cause.
process.on('disconnect', () => process.exit(0))
process.send({ port: site.address().port })

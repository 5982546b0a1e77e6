// What a delivery costs a server, and a connection that is idle. The server is alone in its process; this one is its clients.
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { start } from '../processes.mjs'

const CLIENTS = 500
const IDLE = 1000
const WARM_UP_CONNECTIONS = 50
const SETTLE_MS = 300
const SINGLE = { publications: 40, perTurn: 1, everyMs: 50 }
const BURSTS = { publications: 100, perTurn: 20, everyMs: 400 }
const WARM_UP = { publications: 100, perTurn: 5, everyMs: 25 }
const MAX_MS = 10_000

export const part = {
  name: 'server',
  title: 'The server',
  about:
    'CPU time of the server’s process for one delivery, of 190 bytes to 500 clients: 20 publications a second, one at a time, and 20 in one turn. `ws` alone sends the same texts in a loop, without channels, histories or sessions. To clients of v1 a burst goes as one frame with 20 messages. Memory for each of 1,000 idle connections that have subscribed to a channel: heap and buffers after a collection, and what the process holds in all.',
  maxRounds: 3,
  rows: [
    { name: 'native', label: 'bare `ws`' },
    { name: 'socket.io', label: 'socket.io' },
    { name: 'plain', label: '**companion server** (plain)', isOurs: true },
    { name: 'v1', label: '**companion server** (v1)', isOurs: true },
  ],
  columns: [
    {
      metric: 'single',
      title: 'µs a delivery, 20/s',
      digits: 2,
      compare: 'ratio',
      chart: 'server: a delivery, 20/s',
    },
    {
      metric: 'bursts',
      title: 'µs a delivery, bursts of 20',
      digits: 2,
      compare: 'ratio',
      chart: 'server: a delivery, bursts of 20',
    },
    {
      metric: 'idle',
      title: 'heap and buffers of an idle connection, bytes',
      digits: 0,
      compare: 'ratio',
      chart: 'server: an idle connection',
    },
    {
      metric: 'resident',
      title: 'resident memory of an idle connection, bytes',
      digits: 0,
      compare: 'ratio',
    },
  ],
}

const SUBSCRIBE = JSON.stringify({ type: 'subscribe', data: { channels: ['AAPL'] } })
const SAY = {
  native: [SUBSCRIBE],
  plain: [SUBSCRIBE],
  'socket.io': ['40'],
}
/** What is in the text that says: this client is in. */
const READY = { native: '"subscribed"', plain: '"subscribed"', v1: '"welcome"', 'socket.io': '40{' }

const helloOf = number =>
  JSON.stringify({
    type: 'hello',
    data: { sid: `a-client-of-the-bench-${number}`, gen: 1, channels: { AAPL: null } },
  })

let made = 0
const connect = (name, port, onText) =>
  new Promise((resolve, reject) => {
    const path = name === 'socket.io' ? '/socket.io/?EIO=4&transport=websocket' : '/ws'
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    const ready = READY[name]
    socket.on('error', reject)
    socket.on('open', () => {
      for (const text of SAY[name] ?? []) socket.send(text)
      if (name === 'v1') socket.send(helloOf(++made))
    })
    socket.on('message', data => {
      const text = String(data)
      if (text.includes(ready)) resolve(socket)
      // Engine.IO closes who does not answer its ping.
      if (text === '2') socket.send('3')
      onText(text)
    })
  })

export const measure = async name => {
  const server = await start('servers/publishing.mjs', [name], ['--expose-gc'])
  const { port } = server.first
  let deliveries = 0
  const onText = text => {
    deliveries += text.split('"market_data"').length - 1
  }
  const sockets = []
  const connectAll = async count => {
    for (let left = count; left > 0; left -= 50) {
      const some = Array.from({ length: 50 }, () => connect(name, port, onText))
      sockets.push(...(await Promise.all(some)))
    }
  }

  const published = async run => {
    deliveries = 0
    const microseconds = await server.ask(run)
    const expected = run.publications * CLIENTS
    for (let waited = 0; deliveries < expected; waited += 10) {
      if (waited > MAX_MS) throw new Error(`${name}: ${deliveries} of ${expected} arrived`)
      await wait(10)
    }
    return microseconds / expected
  }

  // What the first connections make once is not a connection's.
  await connectAll(WARM_UP_CONNECTIONS)
  const before = await server.ask('memory')
  await connectAll(IDLE)
  await wait(SETTLE_MS)
  const after = await server.ask('memory')
  for (const client of sockets.slice(CLIENTS)) client.terminate()
  await wait(SETTLE_MS)

  await published(WARM_UP)
  const single = await published(SINGLE)
  const bursts = await published(BURSTS)
  await server.stop()
  return {
    single,
    bursts,
    idle: (after.used - before.used) / IDLE,
    resident: (after.resident - before.resident) / IDLE,
  }
}

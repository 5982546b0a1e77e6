// What sending costs the process of a client on a real socket: CPU of the client alone, the server is another process.
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { loadContender } from '../clients/contenders.mjs'
import { cpuMicroseconds } from '../clients/in-memory.mjs'
import { start } from '../processes.mjs'
import { CLIENTS } from './rows.mjs'

const PER_TURN = 20
const WARM_UP = 5000
const MESSAGES = 20_000
/** For acknowledgements of the last messages. */
const AFTER_MS = 30

export const part = {
  name: 'loopback',
  title: 'Sending, over loopback in Node',
  about:
    'CPU time of the client’s process, system calls included, for one message sent over loopback with `ws` below: 20 messages to a turn of the event loop, a turn each millisecond. The server is another process, which counts; for v1 it acknowledges each frame. `queue.ratePerSecond` is lifted. With v1 the messages of one turn may share a frame.',
  rows: CLIENTS,
  columns: [
    {
      metric: 'us',
      title: 'µs a message',
      digits: 2,
      compare: 'ratio',
      chart: 'send, over loopback',
    },
  ],
}

export const measure = async name => {
  const server = await start('servers/counting.mjs', [name])
  globalThis.WebSocket = WebSocket
  const contender = await loadContender(name)
  let client
  await new Promise(resolve => {
    const url = `ws://127.0.0.1:${server.first.port}/ws`
    client = contender.connect({ url, WebSocket, onMessage() {}, onOpen: resolve })
  })
  await wait(AFTER_MS)

  let sent = 0
  const sendTurns = async count => {
    for (let left = count; left; left -= PER_TURN) {
      for (let of = PER_TURN; of; of--) {
        client.send({ symbol: 'AAPL', side: 'buy', quantity: ++sent, price: 227.52 })
      }
      await wait(1)
    }
    await server.ask(sent)
    await wait(AFTER_MS)
  }

  await sendTurns(WARM_UP)
  const before = cpuMicroseconds()
  await sendTurns(MESSAGES)
  const microseconds = cpuMicroseconds() - before
  await server.stop()
  return { us: microseconds / MESSAGES }
}

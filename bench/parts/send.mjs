// What sending a message costs in memory, in turns of 20: from the object to the call of `WebSocket.send`.
import { connectInMemory, cpuMicroseconds, turn } from '../clients/in-memory.mjs'
import { middle } from '../middle.mjs'
import { CLIENTS } from './rows.mjs'

const PER_TURN = 20
const WARM_UP = 20_000
const MESSAGES = 60_000
/** So few that no collection falls between two readings of the heap. */
const SAMPLE = 400
const SAMPLES = 25

export const part = {
  name: 'send',
  title: 'Sending, in memory',
  about:
    'CPU time and heap allocated for one message, from the object to the frame, 20 messages to a turn of the event loop. Ours gives each message an id, a timestamp and a `Delivery` that says what became of it; with v1 each also has a number, is kept until the server has acknowledged it (the acknowledgement is part of the cost), and may share its frame with others of its turn. `queue.ratePerSecond` is lifted. The others tell nobody whether a message arrived.',
  rows: CLIENTS,
  columns: [
    { metric: 'ns', title: 'ns a message', digits: 0, compare: 'ratio', chart: 'send, in memory' },
    { metric: 'bytes', title: 'bytes allocated a message', digits: 0, compare: 'difference' },
  ],
}

const dataOf = number => ({ symbol: 'AAPL', side: 'buy', quantity: number, price: 227.52 })

export const measure = async name => {
  let arrived = 0
  let wire
  const client = await connectInMemory(name, {
    onFrame(frame) {
      arrived += wire?.count(frame) ?? 0
    },
  })
  wire = client.wire
  const { send } = client
  let number = 0

  const sendTurns = async count => {
    for (let left = count; left; left -= PER_TURN) {
      for (let of = PER_TURN; of; of--) send(dataOf(++number))
      await turn()
    }
  }

  await sendTurns(WARM_UP)
  const before = cpuMicroseconds()
  await sendTurns(MESSAGES)
  const microseconds = cpuMicroseconds() - before

  const samples = []
  for (let left = SAMPLES; left; left--) {
    await turn()
    globalThis.gc()
    const start = process.memoryUsage().heapUsed
    await sendTurns(SAMPLE)
    samples.push((process.memoryUsage().heapUsed - start) / SAMPLE)
  }
  if (arrived !== number) throw new Error(`${name}: expected ${number} messages, got ${arrived}`)
  return {
    ns: (microseconds * 1000) / MESSAGES,
    bytes: middle(samples),
  }
}

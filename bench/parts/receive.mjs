// What a received message costs in memory: the far end is a script, so that only the client and its JSON are measured.
import { connectInMemory, cpuMicroseconds, turn } from '../clients/in-memory.mjs'
import { middle } from '../middle.mjs'
import { CLIENTS } from './rows.mjs'

const BLOCK = 10_000
const PER_TURN = 1000
const WARM_UP_BLOCKS = 5
const BLOCKS = 10
/** So few that no collection falls between two readings of the heap. */
const SAMPLE = 400
const SAMPLES = 25

export const part = {
  name: 'receive',
  title: 'Receiving, in memory',
  about:
    'CPU time and heap allocated for one received message of 190 bytes, from the text to the call of one listener: one message to a frame, 1,000 frames to a turn of the event loop. Every client parses JSON: `reconnecting-websocket` and `partysocket` hand over text, which an application parses. Ours also drops duplicates by their id and forms batches, with v1 it checks the position of each message. In Node `partysocket` builds a new `MessageEvent` for each message, which it does in browsers, too.',
  rows: CLIENTS,
  columns: [
    {
      metric: 'ns',
      title: 'ns a message',
      digits: 0,
      compare: 'ratio',
      chart: 'receive, in memory',
    },
    { metric: 'bytes', title: 'bytes allocated a message', digits: 0, compare: 'ratio' },
  ],
}

export const measure = async name => {
  const { wire, far, received } = await connectInMemory(name)
  const socket = far()
  let number = 0
  const texts = count => Array.from({ length: count }, () => wire.message(++number))

  const block = async () => {
    const all = texts(BLOCK)
    const before = cpuMicroseconds()
    for (let from = 0; from < BLOCK; from += PER_TURN) {
      for (let index = from; index < from + PER_TURN; index++) socket.say(all[index])
      await turn()
    }
    return cpuMicroseconds() - before
  }

  for (let left = WARM_UP_BLOCKS; left; left--) await block()
  let microseconds = 0
  for (let left = BLOCKS; left; left--) microseconds += await block()

  const samples = []
  for (let left = SAMPLES; left; left--) {
    const all = texts(SAMPLE)
    await turn()
    globalThis.gc()
    const before = process.memoryUsage().heapUsed
    for (const text of all) socket.say(text)
    samples.push((process.memoryUsage().heapUsed - before) / SAMPLE)
    await turn()
  }
  if (received() !== number)
    throw new Error(`${name}: expected ${number} messages, got ${received()}`)
  return { ns: (microseconds * 1000) / (BLOCKS * BLOCK), bytes: middle(samples) }
}

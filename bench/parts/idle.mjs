// What clients hold that are connected and have nothing to do: 1,000 of them, each on a scripted socket.
import { heapBytes, loadInMemory, turn, URL_OF_NOBODY } from '../clients/in-memory.mjs'
import { CLIENTS } from './rows.mjs'

const COUNT = 1000

export const part = {
  name: 'idle',
  title: 'An idle client',
  about:
    'Memory for each of 1,000 clients that are connected and idle, with one listener, on scripted sockets. The bare socket’s own part is taken off the others. Outside the heap: `external` of `process.memoryUsage()`, which holds buffers. `centrifuge` has one subscription, and so have ours.',
  maxRounds: 3,
  rows: CLIENTS,
  columns: [
    {
      metric: 'heap',
      title: 'heap, bytes',
      digits: 0,
      compare: 'difference',
      chart: 'idle client, heap',
    },
    { metric: 'outside', title: 'outside the heap, bytes', digits: 0, compare: 'difference' },
  ],
}

export const measure = async name => {
  const { contender, WebSocket } = await loadInMemory(name)
  const clients = []
  const connect = () =>
    new Promise(resolve => {
      clients.push(
        contender.connect({ url: URL_OF_NOBODY, WebSocket, onMessage() {}, onOpen: resolve }),
      )
    })
  // What a library makes once is not a client's.
  for (let left = 20; left; left--) await connect()
  await turn()
  const heap = heapBytes()
  const { external } = process.memoryUsage()
  for (let left = COUNT; left; left--) await connect()
  await turn()
  const after = heapBytes()
  const result = {
    heap: (after - heap) / COUNT,
    outside: Math.max(0, (process.memoryUsage().external - external) / COUNT),
  }
  if (clients.length < COUNT) throw new Error('a client is missing')
  return result
}

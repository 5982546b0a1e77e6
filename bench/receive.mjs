// What one received message costs, in instructions: with protocol v1 against the plain envelope.
//   npm run bench:receive          counts with valgrind (apt-get install valgrind), about a minute
//   node bench/receive.mjs v1 N    receives N messages and ends: what is counted
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createResilientWebSocket } from '../dist/index.js'

const [mode, count] = process.argv.slice(2)
const FEW = 30_000
const MANY = 130_000

const receive = (v1, messages) => {
  let socket
  class Fake {
    readyState = 1
    bufferedAmount = 0
    listeners = {}
    constructor() {
      socket = this
    }
    addEventListener(type, listener) {
      this.listeners[type] = listener
    }
    removeEventListener() {}
    send() {}
    close() {}
  }
  const client = createResilientWebSocket({
    environment: { WebSocket: Fake },
    heartbeat: false,
    fallback: false,
  })
  let seen = 0
  client.on('message', () => seen++)
  client.subscribe('AAPL')
  socket.listeners.open({})
  const hear = message => socket.listeners.message({ data: JSON.stringify(message) })
  hear({ type: 'connection', data: v1 ? { protocol: 1 } : {} })
  if (v1) {
    const channels = { AAPL: { epoch: 'e', offset: 0, recovered: true, replayed: 0 } }
    hear({ type: 'welcome', data: { tok: 't', ack: 0, channels } })
  }
  // The companion server sends the same text to both.
  const data = { symbol: 'AAPL', price: 227.52, change: 1.2, changePercent: 0.53, volume: 41_000 }
  const start = JSON.stringify({ type: 'market_data', data, timestamp: 1, channel: 'AAPL' })
  for (let offset = 1; offset <= messages; offset++) {
    socket.listeners.message({
      data: `${start.slice(0, -1)},"id":"message-${offset}","offset":${offset}}`,
    })
  }
  if (seen !== messages) throw new Error(`received ${seen} of ${messages}`)
  client.close()
}

const counted = (kind, messages) => {
  const { error, stderr, status } = spawnSync(
    'valgrind',
    [
      '--tool=callgrind',
      '--callgrind-out-file=/dev/null',
      '--smc-check=all-non-file',
      process.execPath,
      '--single-threaded',
      fileURLToPath(import.meta.url),
      kind,
      String(messages),
    ],
    { encoding: 'utf8' },
  )
  if (error) throw new Error('valgrind is missing: apt-get install valgrind', { cause: error })
  const [, instructions] = /Collected : (\d+)/.exec(stderr) ?? []
  if (status !== 0 || instructions === undefined) throw new Error(stderr)
  return Number(instructions)
}

if (mode) receive(mode === 'v1', Number(count))
else {
  const [plain, v1] = ['plain', 'v1'].map(
    kind => (counted(kind, MANY) - counted(kind, FEW)) / (MANY - FEW),
  )
  const more = ((v1 / plain - 1) * 100).toFixed(1)
  console.log(
    `plain ${plain.toFixed(0)}, v1 ${v1.toFixed(0)} instructions a message: ${more} % more`,
  )
}

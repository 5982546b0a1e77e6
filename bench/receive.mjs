// What one received message costs, in instructions: with protocol v1 against the plain envelope
// `{ type, data, timestamp, id }`, and against the text of protocol v1 where nobody follows its positions.
//   npm run bench:receive [N]      counts N times with valgrind (apt-get install valgrind), two minutes each
//   node bench/receive.mjs v1 N    receives N messages and ends: what is counted
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createResilientWebSocket } from '../dist/index.js'

const [mode, count] = process.argv.slice(2)
const FEW = 20_000
const MANY = 60_000
const MOST_PERCENT = 15

const receive = (kind, messages) => {
  const v1 = kind === 'v1'
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
  const data = { symbol: 'AAPL', price: 227.52, change: 1.2, changePercent: 0.53, volume: 41_000 }
  const placed = kind !== 'plain'
  const channel = placed ? 'AAPL' : undefined
  const start = JSON.stringify({ type: 'market_data', data, timestamp: 1, channel }).slice(0, -1)
  for (let offset = 1; offset <= messages; offset++) {
    const place = placed ? `,"offset":${offset}` : ''
    socket.listeners.message({ data: `${start},"id":"message-${offset}"${place}}` })
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
      // The same run each time, as far as it goes.
      '--single-threaded',
      '--predictable-gc-schedule',
      '--random-seed=1',
      '--hash-seed=1',
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

const KINDS = ['plain', 'unfollowed', 'v1']

/** Instructions a message, of each kind. */
const measure = () => KINDS.map(kind => (counted(kind, MANY) - counted(kind, FEW)) / (MANY - FEW))

const median = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

if (KINDS.includes(mode)) receive(mode, Number(count))
else {
  const rounds = []
  for (let left = Number(mode ?? 3); left; left--) {
    const round = measure()
    rounds.push(round)
    console.log(KINDS.map((kind, at) => `${kind} ${round[at].toFixed(0)}`).join(', '))
  }
  const [plain, unfollowed, v1] = KINDS.map((_, at) => median(rounds.map(round => round[at])))
  const more = (v1 / plain - 1) * 100
  console.log(
    `v1 takes ${more.toFixed(1)} % more instructions a message than plain: ${(unfollowed - plain).toFixed(0)} for the longer text and its subscription, ${(v1 - unfollowed).toFixed(0)} for positions`,
  )
  if (more > MOST_PERCENT) {
    console.error(`expected at most ${MOST_PERCENT} % more`)
    process.exitCode = 1
  }
}

// Runs in each runtime: imports every entry, then tells the story of one connection and ends by itself.
//   story.mjs ws://HOST:PORT/ws
// What others leave in the global scope is theirs.
for (const other of ['react', 'vue', 'ws', 'node:http']) await import(other)
const before = Reflect.ownKeys(globalThis)

const entries = ['react', 'vue', 'indicator', 'server', 'testing'].map(
  name => `resilient-websocket/${name}`,
)
const { createResilientWebSocket } = await import('resilient-websocket')
for (const entry of entries) await import(entry)

const touched = Reflect.ownKeys(globalThis)
  .filter(key => !before.includes(key))
  .map(String)

// Node 20 has no WebSocket of its own.
const own = globalThis.WebSocket
  ? {}
  : { environment: { WebSocket: (await import('ws')).WebSocket } }
const socket = createResilientWebSocket({
  url: process.argv[2],
  reconnect: { initialDelayMs: 50 },
  fallback: false,
  ...own,
})
const statuses = []
socket.on('status', ({ to }) => statuses.push(to))

const heard = []
const subscription = socket.subscribe('numbers', ({ type, data }) => {
  if (type === 'number') heard.push(data.number)
})
await subscription.ready

const deliveries = []
let ends = () => {}
const end = new Promise(resolve => {
  ends = resolve
})
socket.on('batch', () => {
  // The connection is cut halfway.
  if (heard.at(-1) >= 300) ends()
  else deliveries.push(socket.send({ type: 'order', data: {} }))
})
await end
await Promise.all(deliveries.map(({ settled }) => settled))
socket.close()

const states = [...new Set(deliveries.map(({ state }) => state))]
const inOrder = heard.every((number, index) => number === heard[0] + index)
console.log(JSON.stringify({ touched, statuses, states, inOrder }))

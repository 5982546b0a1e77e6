// What one hostile input costs a server, in CPU time of its process, beside the size of the input.
//   npm run bench:hostile          an own process for the server; each input 20 times, one after the other
// The rate limit is off where an input alone is measured, and on where it comes without end.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

const TIMES = 20
const FLOOD_MS = 2000

const serve = async () => {
  const { createServer } = await import('../dist/server/index.js')
  let asked = 0
  const server = createServer({
    port: 0,
    host: '127.0.0.1',
    allowMissingOrigin: true,
    rateLimit: process.argv[3] === 'limited' ? {} : false,
    authorize: () => ++asked > 0,
  })
  const { port } = await server.listen()
  await server.publish('A', { type: 'tick', data: 1 })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send({ cpuMs: (user + system) / 1000, asked })
  })
  process.send({ port })
}

const started = mode =>
  new Promise(resolve => {
    const server = fork(fileURLToPath(import.meta.url), ['serve', mode])
    server.once('message', ({ port }) => {
      const usage = () =>
        new Promise(answer => {
          server.once('message', answer)
          server.send('usage')
        })
      resolve({ port, usage, end: () => server.kill() })
    })
  })

const connected = port =>
  new Promise(resolve => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    socket.on('error', () => {})
    socket.on('open', () => resolve(socket))
  })

/** Resolves when the server has handled everything before. */
const settled = socket =>
  new Promise(resolve => {
    const done = () => {
      socket.off('close', done)
      socket.off('pong', done)
      resolve()
    }
    socket.on('close', done)
    socket.on('pong', done)
    socket.ping()
  })

const names = (count, prefix) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const subscribe = channels => JSON.stringify({ type: 'subscribe', data: { channels } })

/** A frame, or the query of a GET. */
const INPUTS = [
  ['subscribe, 6,000 bad names', { frame: subscribe(names(6000, 'C ')) }],
  ['subscribe, 15,000 numbers', { frame: subscribe(Array(15_000).fill(7)) }],
  ['subscribe, 6,000 good names', { frame: subscribe(names(6000, 'C')) }],
  ['1,000 elements that are none', { frame: `[${Array(1000).fill(1)}]` }],
  ['GET since= and 15,000 colons', { query: `symbols=A&since=${':'.repeat(15_000)}` }],
  ['GET since=, 7,500 times a:', { query: `symbols=A&since=${'a:'.repeat(7500)}` }],
  [
    'GET since=, 900 bad positions',
    { query: `symbols=A&since=${Array(900).fill('A:::::').join()}` },
  ],
  ['GET symbols=, 1,000 channels', { query: `symbols=${names(1000, 'C').join()}` }],
]

const alone = async () => {
  const rows = []
  for (const [name, { frame, query }] of INPUTS) {
    const { port, usage, end } = await started('unlimited')
    const get = async text =>
      (await fetch(`http://127.0.0.1:${port}/api/market/snapshot?${text}`)).text()
    let bytes = 0
    let errors = 0
    const one = async () => {
      if (query) {
        bytes += (await get(query)).length
        return
      }
      const socket = await connected(port)
      socket.on('message', data => {
        bytes += data.length
        errors += String(data).split('"type":"error"').length - 1
      })
      await settled(socket)
      bytes = errors = 0
      socket.send(frame)
      await settled(socket)
      // What is said after the first turn of the loop.
      await new Promise(resolve => setTimeout(resolve, 50))
      await settled(socket)
      socket.terminate()
    }
    // Code that runs for the first time costs more.
    for (let warm = 0; warm < 3; warm++) await one()
    const before = await usage()
    for (let time = 0; time < TIMES; time++) {
      bytes = 0
      await one()
    }
    const after = await usage()
    end()
    rows.push({
      input: name,
      bytes: (frame ?? query).length,
      'CPU ms': Number(((after.cpuMs - before.cpuMs) / TIMES).toFixed(2)),
      'bytes answered': bytes,
      errors: query ? '' : errors,
      'calls of authorize': (after.asked - before.asked) / TIMES,
    })
  }
  console.table(rows)
}

const FLOODS = [
  ['[] frames', socket => socket.send('[]')],
  ['pong messages', socket => socket.send('{"type":"pong"}')],
  ['pong frames', socket => socket.pong()],
  ['ping frames', socket => socket.ping()],
]

const endless = async () => {
  const rows = []
  for (const [name, send] of FLOODS) {
    const { port, usage, end } = await started('limited')
    const socket = await connected(port)
    let code = 'open'
    socket.on('close', given => {
      code = given
    })
    const before = await usage()
    const until = performance.now() + FLOOD_MS
    let sent = 0
    while (performance.now() < until && code === 'open') {
      for (let index = 0; index < 200; index++, sent++) send(socket)
      await Promise.race([settled(socket), new Promise(resolve => setTimeout(resolve, 100))])
    }
    const after = await usage()
    socket.terminate()
    end()
    rows.push({
      [`one client, ${FLOOD_MS / 1000} s`]: name,
      sent,
      'CPU ms of the server': Math.round(after.cpuMs - before.cpuMs),
      'ended by': code,
    })
  }
  console.table(rows)
}

if (process.argv[2] === 'serve') await serve()
else {
  await alone()
  await endless()
}

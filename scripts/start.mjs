// @ts-check
/** `npm start`: the demo. */
import { parseArgs } from 'node:util'
import { buildLibrary } from './demo/build.mjs'

const USAGE = `npm start -- [options]

  --replay FILE      a recording instead of simulated prices (NDJSON, may be gzipped)
  --speed N          how fast to replay it (1)
  --port N           where the page is served (3000)
  --server-port N    where the companion server listens (3001)
  --proxy-port N     where the proxy between them listens (any free port)
  --heartbeat MS     silence after which the link is checked (5000)
  --build            build the library first, as npm start does
`

const fail = (/** @type {string} */ message) => {
  console.error(message)
  process.exit(1)
}

const options = () => {
  try {
    const { values } = parseArgs({
      options: {
        replay: { type: 'string' },
        speed: { type: 'string', default: '1' },
        port: { type: 'string', default: '3000' },
        'server-port': { type: 'string', default: '3001' },
        'proxy-port': { type: 'string', default: '0' },
        heartbeat: { type: 'string', default: '5000' },
        build: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    return fail(`${/** @type {Error} */ (error).message}\n\n${USAGE}`)
  }
}

const values = options()
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}

/** @param {'port' | 'server-port' | 'proxy-port'} name */
const portOf = name => {
  const text = values[name]
  if (!/^\d+$/.test(text) || Number(text) > 65_535) {
    fail(`--${name}: expected a port from 0 to 65535, got ${text}`)
  }
  return Number(text)
}

/** @param {'speed' | 'heartbeat'} name */
const positive = name => {
  const value = Number(values[name])
  if (!(value > 0 && value < Infinity))
    fail(`--${name}: expected a number > 0, got ${values[name]}`)
  return value
}

const heartbeatMs = positive('heartbeat')
const demoOptions = {
  port: portOf('port'),
  serverPort: portOf('server-port'),
  proxyPort: portOf('proxy-port'),
  replay: values.replay,
  speed: positive('speed'),
  heartbeat: { intervalMs: heartbeatMs, timeoutMs: Math.ceil(heartbeatMs * 0.6) },
}

/** Ends what runs so far. @type {(() => Promise<unknown>) | undefined} */
let close
let ending = false
const end = async () => {
  if (ending) return
  ending = true
  await close?.()
  process.exit(0)
}
process.on('SIGINT', end)
process.on('SIGTERM', end)
if (process.env.npm_lifecycle_event) {
  // npm hands SIGTERM to the shell between us, which ends and leaves this process behind, ports taken.
  const parent = process.ppid
  setInterval(() => process.ppid === parent || end(), 500)
}

try {
  if (values.build) await buildLibrary(console.log)
  console.log('Building the page ...')
  // Only now: it is made of what has just been built.
  const { startDemo } = await import('./demo/demo.mjs')
  const demo = await startDemo(demoOptions)
  close = demo.close

  console.log(`
  Open ${demo.url}

  ${demo.feed}. The companion server listens on ${demo.serverUrl},
  the page reaches it through a proxy on ${demo.proxyUrl}.

  Cut the connection: it is back within seconds.
  Black-hole it: nothing closes, and still the heartbeat notices.
  Block WebSocket: after ten seconds polling takes over, and prices still move.

  Ctrl-C ends everything.
`)
} catch (error) {
  fail(/** @type {Error} */ (error).message)
}

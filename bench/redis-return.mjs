// What Redis and its server go through when many clients come back at once for what they missed. Counts, no times:
// outages that the server saw, clients that it closed, messages that arrived, and history reads that reached Redis.
//   npm run bench:redis                        200 clients, 1000 messages of 1 kB each; needs redis-server
//   CLIENTS=8 BYTES=8000 npm run bench:redis
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { createClient } from 'redis'
import { WebSocket } from 'ws'

const CLIENTS = Number(process.env.CLIENTS ?? 200)
const MESSAGES = 1000
const BYTES = Number(process.env.BYTES ?? 1000)
const PORT = 46_379
const SILENT_MS = 5000

/** The server, in a process of its own: reading is not to be slowed down by the clients. */
const serve = async () => {
  const { createServer, RedisBroker } = await import(process.env.SERVER)
  let outages = 0
  const logger = { warn: () => outages++ }
  const server = createServer({
    port: 0,
    allowMissingOrigin: true,
    broker: new RedisBroker({ url: `redis://127.0.0.1:${PORT}`, logger }),
  })
  const { url } = await server.listen()
  let epoch = ''
  for (let data = 0; data < MESSAGES; data++) {
    ;({ epoch } = await server.publish('A', { type: 'tick', data: 'x'.repeat(BYTES) }))
  }
  process.on('message', () => process.send({ outages }))
  process.send({ url, epoch })
}

const measure = async () => {
  const folder = fileURLToPath(new URL('../node_modules/.cache/bench-redis/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}server.mjs`
  await build({
    entryPoints: [fileURLToPath(new URL('../src/server/index.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  const redis = spawn('redis-server', ['--port', `${PORT}`, '--bind', '127.0.0.1', '--save', ''], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface({ input: redis.stdout })) {
    if (line.includes('Ready to accept connections')) break
  }
  const child = fork(fileURLToPath(import.meta.url), { env: { ...process.env, SERVER: file } })
  const [{ url, epoch }] = await once(child, 'message')
  const command = async words => {
    const client = createClient({ url: `redis://127.0.0.1:${PORT}` })
    await client.connect()
    const answer = await client.sendCommand(words)
    client.destroy()
    return String(answer)
  }
  await command(['CONFIG', 'RESETSTAT'])

  const closes = new Map()
  let welcomes = 0
  let messages = 0
  let heardAt = performance.now()
  const hello = number =>
    JSON.stringify({
      type: 'hello',
      data: {
        sid: `a-client-that-returns-${number}`,
        gen: 1,
        channels: { A: { epoch, offset: 0 } },
      },
    })
  const clients = Array.from({ length: CLIENTS }, () => new WebSocket(url))
  await Promise.all(clients.map(client => once(client, 'open')))
  for (const [number, client] of clients.entries()) {
    client.on('message', data => {
      heardAt = performance.now()
      const text = String(data)
      if (text.includes('"welcome"')) welcomes++
      messages += text.split('"type":"tick"').length - 1
    })
    client.on('close', code => closes.set(code, (closes.get(code) ?? 0) + 1))
    client.send(hello(number))
  }
  const isDone = () => messages >= CLIENTS * MESSAGES || performance.now() - heardAt > SILENT_MS
  while (!isDone()) await new Promise(resolve => setTimeout(resolve, 50))

  const stats = await command(['INFO', 'commandstats'])
  const reads = /cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1] ?? 0
  const written = /total_net_output_bytes:(\d+)/.exec(await command(['INFO', 'stats']))?.[1]
  child.send('report')
  const [{ outages }] = await once(child, 'message')
  console.log(`${CLIENTS} clients came back for ${MESSAGES} messages of ${BYTES} bytes each`)
  console.log(`outages seen by the server: ${outages}`)
  console.log(`closes: ${JSON.stringify(Object.fromEntries(closes))}`)
  console.log(`welcomes: ${welcomes}, messages: ${messages} of ${CLIENTS * MESSAGES}`)
  console.log(`XRANGE in Redis: ${reads}, written by Redis: ${Math.round(written / 1e6)} MB`)
  for (const client of clients) client.terminate()
  child.kill()
  redis.kill()
}

if (process.env.SERVER) await serve()
else await measure()

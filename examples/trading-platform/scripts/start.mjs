// @ts-check
/**
 * `npm run dev` and `npm start`: the page and its market server, until the end of the page. A market server that
 * is killed is what the page is there to live through: it goes on, and can be given another one.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import nextEnv from '@next/env'
import { whenOrphaned } from '../server/orphan.mjs'

/** @import { ChildProcess } from 'node:child_process' */

const folder = fileURLToPath(new URL('..', import.meta.url))
const mode = process.argv[2] === 'start' ? 'start' : 'dev'
const given = process.argv.slice(3)

nextEnv.loadEnvConfig(folder, mode === 'dev', { info() {}, error: console.error })

/** @param {string} words @returns {never} */
const fail = words => {
  console.error(words)
  process.exit(1)
}

/** The value of `--port N`, `--port=N` or `-p N`. */
const portArgument = () => {
  const at = given.findIndex(word => /^(--port|-p)(=|$)/.test(word))
  return at < 0 ? undefined : (given[at]?.split('=')[1] ?? given[at + 1])
}

const pagePort = portArgument() ?? process.env['PORT'] ?? '3000'
const serverPort = process.env['WS_PORT'] ?? '3001'
const webSocketUrl = process.env['NEXT_PUBLIC_WS_URL'] || `ws://localhost:${serverPort}/ws`

/** Where a market server of ours would have to listen; undefined if the page uses one elsewhere. */
const ownPort = () => {
  if (!URL.canParse(webSocketUrl)) {
    fail(`NEXT_PUBLIC_WS_URL: expected a URL such as ws://localhost:3001/ws, got ${webSocketUrl}`)
  }
  const { hostname, port, protocol } = new URL(webSocketUrl)
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return local ? process.env['WS_PORT'] || port || (protocol === 'wss:' ? '443' : '80') : undefined
}

/** @param {string} port */
const isRunning = port =>
  fetch(`http://localhost:${port}/healthz`, { signal: AbortSignal.timeout(2000) }).then(
    ({ ok }) => ok,
    () => false,
  )

/** @type {ChildProcess[]} */
const children = []
let ending = false

/** @param {number} code */
const end = code => {
  if (ending) return
  ending = true
  process.exitCode = code
  for (const child of children) child.kill('SIGTERM')
  // One that does not listen must not keep its port.
  setTimeout(() => {
    for (const child of children) child.kill('SIGKILL')
  }, 4000).unref()
}

/** @param {string[]} words @param {Record<string, string>} environment @param {'inherit' | 'pipe'} [output] */
const run = (words, environment, output = 'inherit') => {
  const child = spawn(process.execPath, words, {
    cwd: folder,
    stdio: ['ignore', output, 'inherit'],
    env: { ...process.env, ...environment },
  })
  children.push(child)
  return child
}

/** @param {string} port */
const runMarket = port => {
  const origins =
    process.env['ALLOWED_ORIGINS'] || `http://localhost:${pagePort},http://127.0.0.1:${pagePort}`
  const environment = { WS_PORT: port, ALLOWED_ORIGINS: origins }
  const child = run(['server/main.mjs'], environment, 'pipe')
  let listening = false
  child.stdout?.on('data', words => {
    listening ||= String(words).includes('WebSocket server on')
    process.stdout.write(words)
  })
  child.on('exit', code => {
    if (ending) return
    // It could not even start, and has said why.
    if (!listening) return end(code ?? 1)
    const given = [
      ...(port === '3001' ? [] : [`WS_PORT=${port}`]),
      ...(pagePort === '3000' && !process.env['ALLOWED_ORIGINS']
        ? []
        : [`ALLOWED_ORIGINS=${origins}`]),
    ]
    console.log(
      `The market server ended; the page goes on without it. To bring it back:\n  ${[...given, 'npm run ws:server'].join(' ')}`,
    )
  })
}

process.on('SIGINT', () => end(0))
process.on('SIGTERM', () => end(0))
whenOrphaned(() => end(0))

const port = ownPort()
if (port === undefined) console.log(`Using the market server at ${new URL(webSocketUrl).origin}`)
else if (await isRunning(port)) console.log(`Using the market server that runs on port ${port}`)
else runMarket(port)

const next = ['--import', './scripts/end-with-parent.mjs', 'node_modules/next/dist/bin/next']
const page = run([...next, mode, ...given], {
  PORT: pagePort,
  NEXT_PUBLIC_WS_URL: webSocketUrl,
  NEXT_TELEMETRY_DISABLED: '1',
})
page.on('exit', code => {
  if (!ending) console.error(`The page ended${code === null ? '' : ` with ${code}`}`)
  end(code ?? 1)
})

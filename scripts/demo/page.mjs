// @ts-check
/** Builds the page and serves it, in memory: nothing is left on the disk. */
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** @import { RequestListener, Server } from 'node:http' */

const ROOT = fileURLToPath(new URL('../../examples/vanilla', import.meta.url))

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The built files by path. @returns {Promise<Map<string, string | Uint8Array>>} */
export const buildPage = async () => {
  const built = await build({ root: ROOT, logLevel: 'warn', build: { write: false } })
  if (!('output' in built)) throw new Error('vite.build: expected one output')
  return new Map(
    built.output.map(file => [
      `/${file.fileName}`,
      file.type === 'chunk' ? file.code : file.source,
    ]),
  )
}

/** @param {Map<string, string | Uint8Array>} files @returns {RequestListener} */
export const serveFiles = files => (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://page')
  const path = pathname === '/' ? '/index.html' : pathname
  const file = files.get(path)
  if (file === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
    return
  }
  response.writeHead(200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : file)
}

/** Hands a request on to another port of this machine. @param {number} port @returns {RequestListener} */
export const forwardTo = port => (request, response) => {
  const { method, url, headers } = request
  const onward = send(
    { host: '127.0.0.1', port, method, path: url, headers, agent: false },
    answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', () => response.destroy())
      answer.pipe(response)
    },
  )
  onward.on('error', () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The server is away\n')
  })
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

/**
 * Listens on this machine only, in both address families, since browsers and tools differ in what
 * `localhost` means to them. @param {RequestListener} handler @param {number} port
 */
export const listenLocally = async (handler, port) => {
  /** @type {Server[]} */
  const servers = []
  const listen = async (/** @type {string} */ host, /** @type {number} */ at) => {
    const server = createServer(handler)
    server.listen(at, host)
    await once(server, 'listening')
    servers.push(server)
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port
  }
  const close = async () => {
    await Promise.all(
      servers.map(server => {
        server.closeAllConnections()
        return new Promise(resolve => server.close(resolve))
      }),
    )
  }
  const chosen = await listen('127.0.0.1', port)
  try {
    await listen('::1', chosen)
  } catch (error) {
    // A machine without IPv6 does without.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EADDRINUSE') {
      await close()
      throw error
    }
  }
  return { port: chosen, close }
}

/** Serves the pages: on loopback, by TLS, and as the proxy of `http://app.test`, which is no secure origin. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { build } from 'esbuild'
import { generate } from 'selfsigned'

/** A name that only the proxy knows. */
const NAME = 'app.test'

export interface Site {
  /** A secure context, though without TLS: it is on loopback. */
  readonly origin: string
  readonly tlsOrigin: string
  /** No secure context. */
  readonly insecureOrigin: string
  /** `127.0.0.1:PORT`, which leads `app.test` here, whatever the port. */
  readonly proxy: string
  close(): Promise<void>
}

const bundle = async (): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [new URL('lab.ts', import.meta.url).pathname],
    // The package as it is built, not what tsconfig.json says instead.
    tsconfigRaw: {},
    bundle: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

export const createSite = async (): Promise<Site> => {
  const script = await bundle()
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }])

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    // A proxy is asked for whole URLs.
    const { pathname, hostname, searchParams } = new URL(request.url ?? '/', `http://${NAME}`)
    if (hostname !== NAME) response.writeHead(502).end()
    else if (pathname === '/numbers.csv') {
      const disposition = 'attachment; filename="numbers.csv"'
      response
        .writeHead(200, { 'content-type': 'text/csv', 'content-disposition': disposition })
        .end('1,2\n')
    } else {
      const csp = searchParams.get('csp')
      const reported = searchParams.get('csp-report-only')
      const isScript = pathname === '/lab.js'
      response.writeHead(200, {
        'content-type': isScript ? 'text/javascript' : 'text/html',
        ...(csp && { 'content-security-policy': csp }),
        ...(reported && { 'content-security-policy-report-only': reported }),
      })
      if (isScript) response.end(script)
      else
        response.end(
          pathname === '/'
            ? '<!doctype html><title>Lab</title><script type="module" src="/lab.js"></script>'
            : '<!doctype html><title>Elsewhere</title>',
        )
    }
  }

  /** A tunnel to a port of this machine: how browsers speak WebSocket through a proxy. */
  const tunnel = (request: IncomingMessage, client: Socket): void => {
    const [name, port] = (request.url ?? '').split(':')
    client.on('error', () => {})
    if (name !== NAME) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const server = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      client.pipe(server).pipe(client)
    })
    server.on('error', () => client.destroy())
    client.on('close', () => server.destroy())
  }

  const servers: Server[] = [
    createServer(answer).on('connect', tunnel),
    createTlsServer({ key, cert }, answer),
  ]
  const [port, tlsPort] = await Promise.all(
    servers.map(async server => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    }),
  )

  return {
    origin: `http://127.0.0.1:${port}`,
    tlsOrigin: `https://127.0.0.1:${tlsPort}`,
    insecureOrigin: `http://${NAME}`,
    proxy: `127.0.0.1:${port}`,
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await Promise.all(servers.map(server => once(server, 'close')))
    },
  }
}

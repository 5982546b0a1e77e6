import vue from '@vitejs/plugin-vue'
import { createServer, startMarket } from 'resilient-websocket/server'
import { defineConfig, type Logger, type Plugin } from 'vite'

const MARKET_PORT = 3001

const startServer = async (pagePort: number, log: Logger): Promise<void> => {
  const server = createServer({
    port: MARKET_PORT,
    allowedOrigins: [`http://localhost:${pagePort}`, `http://127.0.0.1:${pagePort}`],
    // Whoever is turned away is named.
    logger: { ...console, debug() {}, info() {} },
  })
  try {
    await server.listen()
    startMarket(server)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    log.info(`Using the market server that runs on port ${MARKET_PORT}`)
  }
}

/** Once a process: when this file changes Vite starts anew, and reads it again before the old one has ended. */
const running = globalThis as { market?: Promise<void> }

const market = (): Plugin => ({
  name: 'market',
  apply: 'serve',
  async configureServer({ config }) {
    running.market ??= startServer(config.server.port, config.logger)
    await running.market
  },
})

export default defineConfig({
  plugins: [
    vue({ template: { compilerOptions: { isCustomElement: tag => tag === 'connection-status' } } }),
    market(),
  ],
  server: {
    port: 3000,
    strictPort: true,
    // Where the page polls while no WebSocket gets through.
    proxy: { '/api/market/snapshot': `http://localhost:${MARKET_PORT}` },
  },
})

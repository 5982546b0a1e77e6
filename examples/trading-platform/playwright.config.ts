import { defineConfig } from '@playwright/test'
import { PAGE_URL, PORTS, PROXY_URL, SERVER_URL } from './e2e/ports'

const next = 'node node_modules/next/dist/bin/next'

export default defineConfig({
  testDir: 'e2e',
  // `npm run screenshots` takes the pictures with the same page, market and network.
  testMatch: process.env['SCREENSHOTS'] ? 'screenshots.ts' : '*.spec.ts',
  outputDir: 'test-results',
  // One market, one proxy, one page at a time: the ports are the same in every test.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: Boolean(process.env['CI']),
  timeout: 60_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    baseURL: PAGE_URL,
    launchOptions: {
      executablePath: process.env['CHROMIUM'] || '/usr/bin/chromium',
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Chromium has no sandbox for root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    },
  },
  webServer: {
    command: `${next} build && ${next} start --port ${PORTS.page}`,
    url: PAGE_URL,
    timeout: 180_000,
    reuseExistingServer: false,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 3000 },
    env: {
      NEXT_TELEMETRY_DISABLED: '1',
      NEXT_DIST_DIR: '.next-e2e',
      NEXT_PUBLIC_WS_URL: `${PROXY_URL}/ws`,
      MARKET_SERVER_URL: SERVER_URL,
      // The same behaviour as ever, with less waiting.
      NEXT_PUBLIC_WS_RETRY_MS: '200',
      NEXT_PUBLIC_WS_POLL_MS: '500',
      NEXT_PUBLIC_WS_PROBE_MS: '1500',
      // Four pictures of reconnecting take longer than the page would wait.
      ...(process.env['SCREENSHOTS'] && { NEXT_PUBLIC_WS_FALLBACK_MS: '60000' }),
    },
  },
})

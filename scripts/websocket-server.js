#!/usr/bin/env node
// The companion server, e.g. for `pm2 start scripts/websocket-server.js`: takes the arguments and the
// environment variables of `resilient-websocket serve`, and starts from any folder.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cli = new URL('../dist/cli/index.js', import.meta.url)
if (!existsSync(cli)) {
  console.error(`There is no ${fileURLToPath(cli)}: run \`npm ci && npm run build\` first`)
  process.exit(1)
}
process.argv.splice(2, 0, 'serve')
await import(cli.href)

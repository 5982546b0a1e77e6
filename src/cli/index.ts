#!/usr/bin/env node
/** `resilient-websocket` on the command line. */
import { readFileSync } from 'node:fs'
import { serve } from './serve.ts'
import { readSettings, USAGE, UsageError } from './settings.ts'

/** Of the package that this file is in, from its `dist/cli` as from its `src/cli`. */
const version = (): string =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

const main = async (): Promise<void> => {
  const settings = readSettings(process.argv.slice(2), process.env)
  if (settings === 'usage') console.log(USAGE)
  else if (settings === 'version') console.log(version())
  else await serve(settings)
}

main().catch(error => {
  console.error(error instanceof UsageError ? error.message : error)
  process.exit(1)
})

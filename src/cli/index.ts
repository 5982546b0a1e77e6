#!/usr/bin/env node
/** `resilient-websocket` on the command line. */
import { serve } from './serve.ts'
import { readSettings, USAGE, UsageError } from './settings.ts'

const main = async (): Promise<void> => {
  const settings = readSettings(process.argv.slice(2), process.env)
  if (settings) await serve(settings)
  else console.log(USAGE)
}

main().catch(thrown => {
  console.error(thrown instanceof UsageError ? thrown.message : thrown)
  process.exit(1)
})

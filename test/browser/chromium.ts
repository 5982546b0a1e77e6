/** The real browser that the page is tested in. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATH = '/usr/bin/chromium'

export const hasChromium: boolean = existsSync(PATH)

const HOW =
  'apt-get update && apt-get install -y --no-install-recommends chromium   (or run with CI unset to leave these tests out)'

/** Says what is missing; where everything must be there, that is an error. */
export const explainMissing = (): void => {
  if (hasChromium) return
  const message = `${PATH} is missing, so the page cannot be tested in a real browser. Install it: ${HOW}`
  if (process.env.CI) throw new Error(message)
  console.warn(`\nSKIPPED: ${message}\n`)
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: PATH,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })

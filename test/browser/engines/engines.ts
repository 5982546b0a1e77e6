/** The three engines, and what to do where one is missing. */
import { chromiumEngine } from './chromium.ts'
import type { Engine } from './engine.ts'
import { firefoxEngine } from './firefox.ts'
import { webkitEngine } from './webkit.ts'

const HOW =
  'apt-get update && apt-get install -y --no-install-recommends chromium firefox-esr webkit2gtk-driver xvfb   (or run with CI unset to leave these tests out)'

/** Those that are there. Says what is missing; where everything must be there, that is an error. */
export const ENGINES: readonly Engine[] = [chromiumEngine, firefoxEngine, webkitEngine].filter(
  ({ name, missing }) => {
    if (!missing.length) return true
    const message = `${missing.join(', ')} missing, so nothing can be tested in ${name}. Install it: ${HOW}`
    if (process.env['CI']) throw new Error(message)
    console.warn(`\nSKIPPED: ${message}\n`)
    return false
  },
)

/** Origins of pages that may connect, and what is said to others. Pure. */
import { show } from './validate.ts'

/**
 * An origin in the form in which browsers send it. Apps and extensions have schemes of their own
 * (`capacitor://localhost`), for which `URL` knows no origin. Throws a `TypeError` for what could never be one, or is
 * meant for many.
 */
export const normalOrigin = (given: unknown, name = 'allowedOrigins'): string => {
  try {
    const { protocol, host, username, password, pathname, search, hash } = new URL(
      String(given).trim(),
    )
    const alone = !username && !password && !search && !hash && (!pathname || pathname === '/')
    if (host && alone && !host.includes('*')) return `${protocol}//${host}`.toLowerCase()
  } catch {
    // Told below.
  }
  throw new TypeError(`${name}: expected origins such as 'https://example.com', got ${show(given)}`)
}

/** An origin that may stand in a command line as it is: it came from outside, and somebody may paste it into a shell. */
const PLAIN = /^[a-z][a-z\d+.-]*:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/

/** What would allow a client with this Origin, if anything would. */
export const howToAllow = (origin: string | undefined): string => {
  if (origin === undefined) {
    return 'To allow clients that send no Origin (programs, not pages): --allow-missing-origin, ALLOW_MISSING_ORIGIN=1 or allowMissingOrigin: true'
  }
  if (!PLAIN.test(origin) || origin.length > 200) {
    return "Expected an origin such as 'https://example.com'; a page opened as a file or in a sandbox has none"
  }
  return `To allow it: --origin ${origin}, or add it to ALLOWED_ORIGINS or allowedOrigins`
}

/** Origins of pages that may connect, and the advice for others. Pure. */
import { show } from './validate.ts'

/**
 * An origin in the form in which browsers send it. Apps and extensions have schemes of their own
 * (`capacitor://localhost`), for which `URL` knows no origin. Throws a `TypeError` for a value that
 * no browser sends, and for a wildcard.
 */
export const normalOrigin = (given: unknown, name = 'allowedOrigins'): string => {
  try {
    const { protocol, host, username, password, pathname, search, hash } = new URL(
      String(given).trim(),
    )
    const alone = !username && !password && !search && !hash && (!pathname || pathname === '/')
    if (host && alone && !host.includes('*')) return `${protocol}//${host}`.toLowerCase()
  } catch {
    // Reported below.
  }
  throw new TypeError(`${name}: expected origins such as 'https://example.com', got ${show(given)}`)
}

/** An origin that is safe to show as part of a command line: it came from outside, and somebody may paste it into a shell. */
const PLAIN = /^[a-z][a-z\d+.-]*:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/

/** Advice on how to allow a client with this Origin. */
export const howToAllow = (origin: string | undefined): string => {
  if (origin === undefined) {
    return 'To allow clients that send no Origin (programs, not pages): --allow-missing-origin, ALLOW_MISSING_ORIGIN=1 or allowMissingOrigin: true'
  }
  if (!PLAIN.test(origin) || origin.length > 200) {
    return "Expected an origin such as 'https://example.com'; a page opened as a file or in a sandbox has none"
  }
  return `To allow it: --origin ${origin}, or add it to ALLOWED_ORIGINS or allowedOrigins`
}

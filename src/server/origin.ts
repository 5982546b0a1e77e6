/** Origins of pages that may connect. Pure. */
import { show } from './words.ts'

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

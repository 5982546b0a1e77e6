/** The account of this tab. A real platform knows who you are; this one has no log-in. */

const KEY = 'account'
let remembered: string | undefined

const random = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(36)).join('')

export const accountOf = (): string => {
  if (remembered) return remembered
  try {
    remembered = sessionStorage.getItem(KEY) ?? random()
    sessionStorage.setItem(KEY, remembered)
  } catch {
    // Storage may be switched off; then the account lasts as long as the page.
    remembered ??= random()
  }
  return remembered
}

/** Names an order. The same name is the same order, however often it arrives. */
export const newOrderId = (): string => random()

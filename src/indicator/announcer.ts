/** Says what changed to those who listen, but not what is over before it is said. */

/** A change that is undone sooner is not announced. */
const LASTS_MS = 1000

export interface Announcer {
  say(text: string): void
  stop(): void
}

/** `region` is a live region: what is written into it is spoken. */
export const createAnnouncer = (region: Element): Announcer => {
  let timer: ReturnType<typeof setTimeout> | undefined
  let next = ''

  const speak = (): void => {
    region.textContent = next
  }

  return {
    say(text) {
      if (text === next) return
      next = text
      clearTimeout(timer)
      // The first words are no change, and the old ones again are none either.
      if (!region.textContent) speak()
      else if (text !== region.textContent) timer = setTimeout(speak, LASTS_MS)
    },
    stop() {
      clearTimeout(timer)
      next = region.textContent = ''
    },
  }
}

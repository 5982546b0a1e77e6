/** Tells screen readers what has become of the connection: only changes that last, but never nothing for long. */

/** A change that is undone within this time is not announced. */
const LASTS_MS = 1000
/** A connection that keeps changing for this long is called unstable. */
const UNSTABLE_AFTER_MS = 5000

export interface AnnouncerDeps {
  /** What a screen reader is to say of the connection as it is. */
  current(): { readonly label: string; readonly text: string }
  /** What it says of one that comes and goes. */
  unstable(): string
  /** Writes it where it is heard. */
  say(text: string): void
}

export interface Announcer {
  /** The label that was announced last; what is so from the beginning is no news. */
  readonly announced: string
  /** A client is shown: `label` is so from the beginning, unless another one was announced before. */
  begin(label: string): void
  /** The status has changed. */
  changed(): void
  /** Says something at once. */
  say(text: string): void
  /** No timer is left. */
  stop(): void
  /** Nothing was announced. */
  forget(): void
}

export const createAnnouncer = (deps: AnnouncerDeps): Announcer => {
  let announced = ''
  let settling: ReturnType<typeof setTimeout> | undefined
  let flapping: ReturnType<typeof setTimeout> | undefined

  const stop = (): void => {
    clearTimeout(settling)
    clearTimeout(flapping)
    settling = flapping = undefined
  }

  const settled = (): void => {
    stop()
    const { label, text } = deps.current()
    if (label === announced) return
    announced = label
    deps.say(text)
  }

  const changed = (): void => {
    clearTimeout(settling)
    settling = setTimeout(settled, LASTS_MS)
    flapping ??= setTimeout(() => {
      // Said once: what it comes to rest at is news again.
      announced = deps.unstable()
      deps.say(announced)
    }, UNSTABLE_AFTER_MS)
  }

  return {
    get announced() {
      return announced
    },
    begin(label) {
      if (announced && announced !== label) {
        // Another client: what was said of the one before is no longer so.
        deps.say('')
        changed()
      }
      announced ||= label
    },
    changed,
    say: deps.say,
    stop,
    forget() {
      stop()
      announced = ''
    },
  }
}

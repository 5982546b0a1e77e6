/** Tells screen readers of changes of the connection that last; of one that keeps changing, that it is unstable. */

/** A change that is undone within this time is not announced. */
const LASTS_MS = 1000
/** A connection that keeps changing for this long is called unstable. */
const UNSTABLE_AFTER_MS = 5000

/** The parts that the announcer uses. */
export interface AnnouncerDeps {
  /** The label of the connection as it is, and the text that a screen reader reads out. */
  current(): { readonly label: string; readonly text: string }
  /** The text for a connection that comes and goes. */
  unstable(): string
  /** Writes a text into the live region. */
  say(text: string): void
}

/** The announcer of one element. */
export interface Announcer {
  /** The label that was announced last; the first one is no news. */
  readonly announced: string
  /** A client is shown. Its `label` is announced only if another one was announced before. */
  begin(label: string): void
  /** The status has changed. */
  changed(): void
  /** Says something at once. */
  say(text: string): void
  /** Stops announcing; no timer is left. */
  stop(): void
  /** Stops, and forgets the last label: the next one is no news. */
  forget(): void
}

/** Makes the announcer of one element. */
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
      // Announced once: the label that follows is news again.
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
        // Another client: the last announcement was about the one before.
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

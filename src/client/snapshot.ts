/** The client at one moment: the same object as long as nothing in it has changed. */
import type { Snapshot } from './client-types.ts'

export interface Snapshots<Incoming> {
  /** Where the facts come from. Before this nothing can have changed. */
  show(read: () => Snapshot<Incoming>): void
  get(): Snapshot<Incoming>
  /** Something has changed, and everybody is notified: it is looked at when somebody asks. */
  touch(): void
  /** Something may have changed. True if the snapshot is another one than everybody was notified of. */
  changed(): boolean
}

export const createSnapshots = <Incoming>(): Snapshots<Incoming> => {
  let read: (() => Snapshot<Incoming>) | undefined
  let snapshot: Snapshot<Incoming> | undefined
  let isStale = true
  /** The one that everybody was notified of; undefined: nobody knows how that one looked. */
  let notified: Snapshot<Incoming> | undefined

  const get = (): Snapshot<Incoming> => {
    if (!isStale && snapshot) return snapshot
    isStale = false
    const now = (read as () => Snapshot<Incoming>)()
    const names = Object.keys(now) as (keyof typeof now)[]
    if (!snapshot || names.some(name => snapshot?.[name] !== now[name])) {
      snapshot = Object.freeze(now)
    }
    return snapshot
  }

  return {
    show(source) {
      read = source
    },
    get,
    touch() {
      isStale = true
      notified = undefined
    },
    changed() {
      if (!read) return false
      const before = notified
      isStale = true
      notified = get()
      return notified !== before
    },
  }
}

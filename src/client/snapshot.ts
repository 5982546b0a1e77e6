/** The client at one moment: the same object as long as nothing in it has changed. */
import type { Snapshot } from './client-types.ts'

export interface Snapshots<Incoming> {
  get(): Snapshot<Incoming>
  /** Something has changed, and all are told: it is looked at when somebody asks. */
  touch(): void
  /** Something may have changed: is it another one than all were told of? */
  changed(): boolean
}

export const createSnapshots = <Incoming>(read: () => Snapshot<Incoming>): Snapshots<Incoming> => {
  let snapshot: Snapshot<Incoming> | undefined
  let stale = true
  /** The one that all were told of; undefined: nobody knows how that one looked. */
  let told: Snapshot<Incoming> | undefined

  const get = (): Snapshot<Incoming> => {
    if (!stale && snapshot) return snapshot
    stale = false
    const now = read()
    const names = Object.keys(now) as (keyof typeof now)[]
    if (!snapshot || names.some(name => snapshot?.[name] !== now[name])) {
      snapshot = Object.freeze(now)
    }
    return snapshot
  }

  return {
    get,
    touch() {
      stale = true
      told = undefined
    },
    changed() {
      const before = told
      stale = true
      told = get()
      return told !== before
    },
  }
}

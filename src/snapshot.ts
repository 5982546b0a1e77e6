/** The client at one moment: the same object as long as nothing in it has changed. */
import type { Snapshot } from './api.ts'

export interface Snapshots<Incoming> {
  get(): Snapshot<Incoming>
  /** Something may have changed: it is looked at when somebody asks. */
  touch(): void
  /** The same, and looked at now: did anything change? */
  changed(): boolean
}

export const createSnapshots = <Incoming>(read: () => Snapshot<Incoming>): Snapshots<Incoming> => {
  let snapshot: Snapshot<Incoming> | undefined
  let stale = true

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
    },
    changed() {
      const before = snapshot
      stale = true
      return get() !== before
    },
  }
}

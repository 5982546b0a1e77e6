/** What a page counts while it is fed. Shared by the pages; the test reads it. */
export interface Tally {
  /** Messages so far. */
  seen: number
  /** Those that were not the next one. */
  outOfOrder: number
  /** From the first to the last of them, in ms: a busy machine is fed for longer. */
  lastedMs: number
  /** Commits of the table. */
  commits: number
  /** What a component that shows the status alone has shown, commit by commit. */
  statuses: string[]
}

export interface Quote {
  readonly symbol: string
  readonly number: number
  readonly price: number
}

export const tally: Tally = { seen: 0, outOfOrder: 0, lastedMs: 0, commits: 0, statuses: [] }

let beganAt = 0

export const count = ({ number }: Quote): void => {
  if (number !== tally.seen) tally.outOfOrder++
  if (!tally.seen++) beganAt = performance.now()
  tally.lastedMs = performance.now() - beganAt
}

export const SYMBOLS: readonly string[] = Array.from({ length: 50 }, (_, index) => `S${index}`)

/** The feed comes from where the page comes from. */
export const url: string = location.href.replace('http', 'ws')

Object.assign(globalThis, { tally })

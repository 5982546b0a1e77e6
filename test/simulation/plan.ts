/** What kind of run a seed draws: its options, its troubles, and what may be told as lost because of them. */
import type { Chance } from './chance.ts'

/** Troubles that a run has or has not. */
export const TROUBLES = [
  'forgets',
  'short history',
  'short sessions',
  'few retries',
  'small queue',
  'expiring messages',
  'refusals',
  'tokens',
  'short tokens',
  'slow tokens',
  'other users',
  'low rate',
  'many channels',
  'slow handlers',
  'slow history',
  'slow store',
  'store failures',
  'other histories',
  'server clock',
  'late first frames',
  'late answers',
  'http refusals',
  'deaf fetch',
  'tight proxy',
  'full buffers',
  'forbidden channels',
  'dedupe',
  'same ids',
  'batches',
  'requests',
  'callbacks',
  'http only at last',
  'rare sends',
] as const

export type Trouble = (typeof TROUBLES)[number]

/** Troubles with a known answer that is on its way: none, or the proof is not whole. */
export const WAITING_FOR: readonly Trouble[] = []

/** How often each is drawn. */
const SHARES: Readonly<Record<Trouble, number>> = {
  forgets: 0.3,
  'short history': 0.25,
  'short sessions': 0.2,
  'few retries': 0.3,
  'small queue': 0.2,
  'expiring messages': 0.2,
  refusals: 0.2,
  tokens: 0.4,
  'short tokens': 0.4,
  'slow tokens': 0.4,
  'other users': 0.4,
  'low rate': 0.2,
  'many channels': 0.1,
  'slow handlers': 0.4,
  'slow history': 0.3,
  'slow store': 0.2,
  'store failures': 0.15,
  'other histories': 0.15,
  'server clock': 0.15,
  'late first frames': 0.2,
  'late answers': 0.4,
  'http refusals': 0.25,
  'deaf fetch': 0.2,
  'tight proxy': 0.05,
  'full buffers': 0.2,
  'forbidden channels': 0.1,
  dedupe: 0.5,
  'same ids': 0.5,
  batches: 0.3,
  requests: 0.5,
  callbacks: 0.25,
  'http only at last': 0.25,
  'rare sends': 0.5,
}

/** Some make sense only beside another. */
const NEEDS: Partial<Record<Trouble, Trouble>> = {
  'short tokens': 'tokens',
  'slow tokens': 'tokens',
  'other users': 'tokens',
}

export interface Plan {
  has(trouble: Trouble): boolean
  readonly troubles: readonly Trouble[]
  /** Protocol v1 is demanded from the start. */
  readonly demands: boolean
  readonly gaps: ReadonlySet<string>
  readonly rejections: ReadonlySet<string>
  readonly retries: number
  /** Undefined: there is room for all. */
  readonly queueLimit: number | undefined
  readonly mostInFlight: number
  readonly channels: readonly string[]
}

const FEW = ['A', 'B', 'C']
/** More than fit into one `hello`. */
const MANY = Array.from({ length: 30 }, (_, index) => `channel-${index}`)
/** More than any run uses up. */
const PLENTY = 100_000

export const createPlan = (chance: Chance): Plan => {
  const drawn = new Set<Trouble>()
  for (const trouble of TROUBLES) {
    const needed = NEEDS[trouble]
    const comes = chance.maybe(SHARES[trouble])
    if (comes && (!needed || drawn.has(needed)) && !WAITING_FOR.includes(trouble)) {
      drawn.add(trouble)
    }
  }
  const has = (trouble: Trouble): boolean => drawn.has(trouble)
  const demands = chance.maybe(0.5)
  const mayBePlain = has('late first frames') && !demands
  // Without positions an id is all that names a message, and who was refused a channel begins from then on.
  if (mayBePlain)
    for (const trouble of ['same ids', 'forbidden channels'] as const) drawn.delete(trouble)
  const rejections = new Set<string>()
  if (has('small queue')) rejections.add('overflow')
  if (has('expiring messages')) rejections.add('expired')
  if (has('refusals')) rejections.add('refused')
  if (has('other users')) rejections.add('identity')
  if (has('tight proxy')) rejections.add('invalid')
  const gaps = new Set<string>()
  if (has('forgets') || has('other histories')) gaps.add('epoch')
  if (has('short history')) for (const reason of ['trimmed', 'ahead']) gaps.add(reason)
  if (mayBePlain) gaps.add('reconnected')
  return {
    has,
    troubles: [...drawn],
    demands,
    gaps,
    rejections,
    retries: has('few retries') ? chance.whole(0, 3) : PLENTY,
    queueLimit: has('small queue') ? 10 : undefined,
    mostInFlight: chance.pick([2, 16, 256]),
    channels: has('many channels') ? MANY : FEW,
  }
}

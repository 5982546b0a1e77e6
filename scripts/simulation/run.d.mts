import type { Outcome } from '../../test/simulation/world.ts'

/** Runs seeds on all cores; `each` hears every outcome and may return true to stop. */
export declare const runSeeds: (
  bundle: string,
  from: number,
  count: number,
  // biome-ignore lint/suspicious/noConfusingVoidType: who does not stop returns nothing
  each: (outcome: Outcome) => boolean | void,
) => Promise<void>
/** The first seed that breaks something, with what it broke; `undefined`: none did. */
export declare const firstBroken: (
  bundle: string,
  from: number,
  count: number,
) => Promise<{ readonly seed: number; readonly words: string } | undefined>

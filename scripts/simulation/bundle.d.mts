import type { Mutant } from '../../test/simulation/mutants.ts'

/** The URL of a module with `runSeed`; with a rule broken if a mutant is named. */
export declare const bundleSimulation: (mutantName?: string) => Promise<string>
export declare const loadMutants: () => Promise<readonly Mutant[]>

/** What a run of the bench has measured, as it is kept in results.json. */

export interface Column {
  readonly metric: string
  /** With its unit. */
  readonly title: string
  readonly digits: number
  /** Beside the part's first row: a factor, a difference, or nothing. */
  readonly compare: 'ratio' | 'difference' | 'none'
  /** @default 'lower' */
  readonly better?: 'lower' | 'higher'
  /** The heading of its chart; without one it has none. */
  readonly chart?: string
}

export interface Row {
  readonly name: string
  /** Markdown. */
  readonly label: string
  readonly isOurs?: boolean
  /** Why it was not measured. */
  readonly missing?: string
  /** What each round measured, by metric. Rounds of the same index ran beside each other. */
  readonly rounds: readonly Readonly<Record<string, number>>[]
}

export interface Part {
  readonly name: string
  readonly title: string
  /** Markdown: what is measured, and how. */
  readonly about: string
  readonly columns: readonly Column[]
  /** The first one is what the others are compared with. */
  readonly rows: readonly Row[]
}

export interface Meta {
  /** As the run was told, or the day on which it ran: `2026-01-31`. */
  readonly date: string
  readonly command: string
  readonly machine: string
  /** Of each program and library, by name. */
  readonly versions: Readonly<Record<string, string>>
  /** Parts that were left out on purpose. */
  readonly without: readonly string[]
}

export interface Results {
  readonly meta: Meta
  readonly parts: readonly Part[]
}

/** One figure of each round, where the row has it. */
export const valuesOf = (row: Row, metric: string): readonly number[] =>
  row.rounds.flatMap(round => round[metric] ?? [])

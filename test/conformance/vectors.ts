/** The vectors, and what their placeholders mean. README.md says it in words. */
import { readdirSync, readFileSync } from 'node:fs'

export type Fields = Record<string, unknown>
export type Side = 'server' | 'client'

export interface Request {
  readonly method: 'GET' | 'POST'
  readonly symbols?: readonly string[]
  readonly since?: Readonly<Record<string, { readonly epoch: string; readonly offset: number }>>
  readonly token?: string
  readonly ifNoneMatch?: string
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly etag?: string
  readonly body?: unknown
}

export interface ServerSetup {
  readonly heartbeat?: { readonly intervalMs: number; readonly timeoutMs: number }
  readonly rateLimit?: { readonly limit: number; readonly perMs: number }
  readonly maxPayload?: number
  readonly sessionTtlMs?: number
  readonly authTimeoutMs?: number
  readonly handlerTimeoutMs?: number
  readonly historySize?: number
  readonly tokens?: Readonly<
    Record<string, { readonly user: string; readonly expiresInMs?: number }>
  >
  readonly forbidden?: { readonly subscribe?: string; readonly send?: string }
}

export interface ClientSetup {
  readonly token?: string
  readonly retries?: number
}

/** One thing that happens; exactly one of `Verb` is there. */
export interface Step {
  /** The connection meant, counted from 1; the newest without it. */
  readonly on?: number
  readonly dial?: 'opens' | 'fails'
  readonly server?: unknown
  readonly client?: unknown
  readonly lost?: unknown
  readonly clientFrame?: string
  readonly serverFrame?: string
  readonly close?: { readonly by: Side; readonly code?: number }
  readonly cut?: true
  readonly request?: Request
  readonly answer?: Answer | 'lost'
  readonly advance?: number
  readonly quiet?: true
  readonly serverApp?: {
    readonly publish?: {
      readonly channel: string
      readonly data?: unknown
      readonly times?: number
    }
    readonly loseHistory?: true
    readonly loseSessions?: true
    readonly drain?: { readonly afterMs: number; readonly jitterMs: number }
  }
  readonly clientApp?: {
    readonly subscribe?: string
    readonly unsubscribe?: string
    readonly send?: Fields
    readonly token?: string
    readonly disconnect?: true
  }
  readonly applied?: readonly unknown[]
  readonly delivered?: readonly unknown[]
  readonly told?: readonly Fields[]
  readonly status?: string
  readonly play?: string
}

export interface Vector {
  /** A sentence. */
  readonly name: string
  /** What it is about, by the names of docs/protocol.md. */
  readonly rules: readonly string[]
  /** Where it can be run. */
  readonly sides: readonly Side[]
  readonly server?: ServerSetup
  readonly client?: ClientSetup
  readonly steps: readonly Step[]
}

const folder = new URL('./vectors/', import.meta.url)

const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

const preludes = read('../preludes.json') as Record<string, readonly Step[]>

const played = (steps: readonly Step[]): readonly Step[] =>
  steps.flatMap(step => {
    if (step.play === undefined) return [step]
    const prelude = preludes[step.play]
    if (!prelude) throw new Error(`No prelude '${step.play}'`)
    return played(prelude)
  })

/** Topic -> vectors, with their preludes in place. */
export const topics: readonly (readonly [string, readonly Vector[]])[] = readdirSync(folder)
  .sort()
  .map(file => [
    file.replace('.json', ''),
    (read(file) as Vector[]).map(vector => ({ ...vector, steps: played(vector.steps) })),
  ])

export const vectorsFor = (side: Side): [string, Vector[]][] =>
  topics.map(([topic, vectors]) => [topic, vectors.filter(({ sides }) => sides.includes(side))])

/** `verb`, for messages of a failure. */
export const verbOf = (step: Step): string => Object.keys(step).find(key => key !== 'on') ?? '?'

// ---- placeholders

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** What a value of each kind must be, and one of our own. */
const KINDS: Readonly<
  Record<string, { fits(value: unknown): boolean; make(count: number, now: () => number): unknown }>
> = {
  sid: {
    fits: value => isText(value) && String(value).length <= 128,
    make: count => `a-conforming-client-${count}`,
  },
  tok: { fits: value => String(value).length >= 22, make: count => `tok-of-incarnation--${count}` },
  epoch: { fits: isText, make: count => `epoch-${count}` },
  id: { fits: value => isText(value) && String(value).length <= 64, make: count => `id-${count}` },
  etag: { fits: isText, make: count => `"etag-${count}"` },
  gen: { fits: isWhole, make: count => count },
  now: { fits: value => typeof value === 'number', make: (_count, now) => now() },
  words: { fits: value => typeof value === 'string', make: () => 'words' },
}

/** In these every key counts; elsewhere more may be there than expected. */
const EXACT = ['channels', 'heads', 'since']

export interface Values {
  /** A template as the runner says it: placeholders get their value, or one of the runner's. */
  fill(template: unknown): unknown
  /** What is wrong with what the other side said; `undefined`: nothing. */
  mismatch(template: unknown, actual: unknown, path?: string): string | undefined
}

/** The values of one run. */
export const createValues = (now: () => number): Values => {
  const bound = new Map<string, unknown>()

  const others = (name: string): unknown[] => {
    const [kind] = name.split(':')
    return [...bound].flatMap(([key, value]) => (key.split(':')[0] === kind ? [value] : []))
  }

  const kindOf = (name: string): (typeof KINDS)[string] => {
    const kind = KINDS[name.split(':')[0] as string]
    if (!kind) throw new Error(`No placeholder '$${name}'`)
    return kind
  }

  const mayBind = (name: string): boolean => !['now', 'words'].includes(name)

  const fill = (template: unknown): unknown => {
    if (typeof template === 'string' && template.startsWith('$')) {
      const name = template.slice(1)
      if (!bound.has(name)) {
        const made = kindOf(name).make(bound.size + 1, now)
        if (!mayBind(name)) return made
        bound.set(name, made)
      }
      return bound.get(name)
    }
    if (Array.isArray(template)) return template.map(fill)
    if (!isObject(template)) return template
    return Object.fromEntries(
      Object.entries(template)
        .filter(([, value]) => value !== '$absent')
        .map(([key, value]) => [key, fill(value)]),
    )
  }

  const mismatchOfPlaceholder = (name: string, actual: unknown): string | undefined => {
    if (bound.has(name)) {
      const known = bound.get(name)
      return known === actual ? undefined : `expected $${name} (${known})`
    }
    if (!kindOf(name).fits(actual)) return `expected a value for $${name}`
    if (!mayBind(name)) return undefined
    const rest = others(name)
    if (name.startsWith('gen')) {
      if (rest.some(other => (other as number) >= (actual as number)))
        return `expected $${name} to be higher than before`
    } else if (!name.startsWith('now') && rest.includes(actual)) {
      return `expected $${name} to be another one than before`
    }
    bound.set(name, actual)
    return undefined
  }

  const mismatch: Values['mismatch'] = (template, actual, path = '') => {
    const wrong = (words: string): string =>
      `${path || 'it'}: ${words}, got ${JSON.stringify(actual)}`
    if (typeof template === 'string' && template.startsWith('$')) {
      if (template === '$absent')
        return actual === undefined ? undefined : wrong('expected nothing')
      const words = mismatchOfPlaceholder(template.slice(1), actual)
      return words && wrong(words)
    }
    if (Array.isArray(template)) {
      if (!Array.isArray(actual) || actual.length !== template.length)
        return wrong(`expected ${template.length} elements`)
      for (const [index, element] of template.entries()) {
        const words = mismatch(element, actual[index], `${path}[${index}]`)
        if (words) return words
      }
      return undefined
    }
    if (isObject(template)) {
      if (!isObject(actual)) return wrong('expected an object')
      for (const [key, value] of Object.entries(template)) {
        const words = mismatch(value, actual[key], path ? `${path}.${key}` : key)
        if (words) return words
      }
      const extra = EXACT.includes(path.split('.').at(-1) ?? '')
        ? Object.keys(actual).find(key => !Object.hasOwn(template, key))
        : undefined
      return extra === undefined ? undefined : wrong(`expected no '${extra}'`)
    }
    return Object.is(template, actual) ? undefined : wrong(`expected ${JSON.stringify(template)}`)
  }

  return { fill, mismatch }
}

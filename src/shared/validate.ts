/** Rules of options: a default each, and a check whose error says what was expected and what came. */

/** One option. `read` gives the value to use: the default for `undefined`. It throws for what cannot be one. */
export interface Rule<Value = unknown> {
  readonly fallback: Value
  read(path: string, given: unknown): Value
}

/** A rule for each option of a section. */
export type RulesOf<Section> = { readonly [Name in keyof Section]-?: Rule<Section[Name]> }

/** An untrusted value as an error message shows it. */
export const show = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value}'`
    : Array.isArray(value)
      ? 'an array'
      : typeof value === 'object' && value
        ? 'an object'
        : typeof value === 'function'
          ? 'a function'
          : String(value)

const complain = (Kind: ErrorConstructor, path: string, expected: string, got: unknown): never => {
  throw new Kind(`${path}: expected ${expected}, got ${show(got)}`)
}

/** `isKind` and `isRight`: a `TypeError` where the first, a `RangeError` where the second is false. */
const rule = (
  fallback: unknown,
  expected: string,
  isKind: (value: unknown) => boolean,
  isRight: (value: never) => boolean = () => true,
): Rule<never> => ({
  fallback: fallback as never,
  read(path, given) {
    if (given === undefined) return fallback as never
    if (!isKind(given)) complain(TypeError, path, expected, given)
    if (!isRight(given as never)) complain(RangeError, path, expected, given)
    return given as never
  },
})

/** Kinds of values by their `typeof`, of which `null` has none. */
const isOneOf = (kinds: readonly string[], value: unknown): boolean =>
  value !== null && kinds.includes(typeof value)

export interface NumberRules {
  /** @default 0 */
  readonly min?: number
  readonly whole?: boolean
  /** A function will do, too. */
  readonly orFunction?: boolean
}

/** A number from `min`; never NaN. */
export const number = (
  fallback: number | undefined,
  { min = 0, whole, orFunction }: NumberRules = {},
): Rule<never> =>
  rule(
    fallback,
    `a ${whole ? 'whole ' : ''}number >= ${min}${orFunction ? ' or a function' : ''}`,
    value => isOneOf(orFunction ? ['number', 'function'] : ['number'], value),
    (value: unknown) =>
      typeof value === 'function' ||
      ((value as number) >= min && !(whole && (value as number) % 1 > 0)),
  )

/**
 * A value of one of these kinds, separated by blanks. `needs`: what an object, and a function where no string will do,
 * must have; an empty string is a `RangeError`.
 */
export const kind = (kinds: string, needs = '', fallback?: unknown): Rule<never> => {
  const list = kinds.split(' ')
  const members = needs ? needs.split(' ') : []
  const expected = `${list.join(' or ')}${needs && ` with ${members.join(' ')}`}`
  const lacks = (value: unknown) => (name: string) =>
    !/^(function|object|string)$/.test(typeof (value as Record<string, unknown>)[name])
  return rule(
    fallback,
    expected,
    value =>
      isOneOf(list, value) &&
      // Where a string or a function will do as it is, only an object has to have something.
      !((typeof value === 'object' || !list.includes('string')) && members.some(lacks(value))),
    value => value !== '',
  )
}

/** The same rule with another default. */
export const withDefault = <Value>(inner: Rule<Value>, fallback: Value): Rule<Value> => ({
  fallback,
  read: (path, given) => (given === undefined ? fallback : inner.read(path, given)),
})

/** One of these values. */
export const oneOf = (...values: readonly string[]): Rule<never> =>
  rule(
    values[0],
    values.map(show).join(' or '),
    value => typeof value === 'string',
    value => values.includes(value),
  )

/** A value for which `check` gives no fault: what was expected and what to do. Its faults are `RangeError`s. */
export const checked = (inner: Rule<never>, check: (value: unknown) => unknown): Rule<never> => ({
  fallback: inner.fallback,
  read(path, given) {
    const value = inner.read(path, given)
    const fault = value === undefined ? undefined : check(value)
    if (fault) throw new RangeError(`${path}: ${fault}`)
    return value
  },
})

/** Throws a `TypeError` for what is no object, or an array. */
export const requireObject = (path: string, given: unknown, expected = 'object'): void => {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (!isObject) complain(TypeError, path, expected, given)
}

/** Options of one object. `canBeOff`: `false` turns them off. */
export const section = (rules: RulesOf<object>, canBeOff = false): Rule<never> => {
  const fallback = defaultsOf(rules)
  return {
    fallback: fallback as never,
    read(path, given) {
      if (given === undefined || (canBeOff && given === false)) return (given ?? fallback) as never
      requireObject(path, given, `object${canBeOff ? ' or false' : ''}`)
      return readSection(`${path}.`, given as object, rules) as never
    },
  }
}

/** The default of each option. */
export const defaultsOf = (rules: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(rules).map(([name, { fallback }]) => [name, fallback]))

/**
 * Everything that the application's object has, read once: its own fields, and what its class has as getters and methods.
 * A method keeps its object.
 */
const readGiven = (given: object): Record<string, unknown> => {
  const read: Record<string, unknown> = { ...given }
  let at: object | null = Object.getPrototypeOf(given)
  // The last one is an Object.prototype, perhaps of another realm.
  for (let next: object | null; at; at = next) {
    next = Object.getPrototypeOf(at)
    if (!next) break
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name === 'constructor' || Object.hasOwn(read, name)) continue
      const value = (given as Record<string, unknown>)[name]
      read[name] = typeof value === 'function' ? value.bind(given) : value
    }
  }
  return read
}

/** The values of a section, complete and checked. `prefix` stands before their names in errors. */
export const readSection = (
  prefix: string,
  given: object,
  rules: object,
): Record<string, unknown> => {
  const values = defaultsOf(rules)
  for (const [name, value] of Object.entries(readGiven(given))) {
    if (Object.hasOwn(rules, name)) {
      values[name] = (rules as Record<string, Rule>)[name]?.read(prefix + name, value)
      continue
    }
    // A class may have methods of its own beside options.
    const isMethod = typeof value === 'function' && !Object.hasOwn(given, name)
    if (value !== undefined && !isMethod) {
      complain(TypeError, prefix + name, 'the name of an option', name)
    }
  }
  return values
}

/** Checks of options, whose errors say what was expected and what came: `port: expected a number from 0 to 65535, got -1`. */

/** An untrusted value as an error message shows it: a string in quotes, an object without its content. */
export const show = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value}'`
    : typeof value === 'object' && value
      ? 'an object'
      : `${value}`

/** Throws a `TypeError` for what is no number, and a `RangeError` for one outside of `min` to `max`, both inclusive. */
export const requireNumber = (
  name: string,
  value: unknown,
  min: number,
  max: number = Number.POSITIVE_INFINITY,
): void => {
  const expected = `a number from ${min} to ${max}`
  if (typeof value !== 'number') {
    throw new TypeError(`${name}: expected ${expected}, got ${show(value)}`)
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name}: expected ${expected}, got ${value}`)
  }
}

/** Throws a `TypeError` for what is neither a function nor `undefined`. */
export const requireFunction = (name: string, value: unknown): void => {
  if (value === undefined || typeof value === 'function') return
  throw new TypeError(`${name}: expected a function, got ${show(value)}`)
}

/** Throws a `TypeError` for what is no string. */
export const requireString = (name: string, value: unknown): void => {
  if (typeof value !== 'string') {
    throw new TypeError(`${name}: expected a string, got ${show(value)}`)
  }
}

/** Throws a `TypeError` for an option that is not in the list: a misspelled name would have no effect. */
export const requireKnown = (options: object, known: readonly string[]): void => {
  const unknown = Object.keys(options).find(name => !known.includes(name))
  if (unknown) throw new TypeError(`${unknown}: expected one of ${known.join(', ')}`)
}

/** One option of a table: gives the value to use, which is the default for `undefined`, or throws. */
export type Rule<Value> = (name: string, given: unknown) => Value

/** The values of a table of options. */
export type ValuesOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Rule<infer Value> ? Value : never
}

/** An option with a default and a check that throws. */
export const option =
  <Value>(fallback: Value, check: (name: string, value: unknown) => void = () => {}): Rule<Value> =>
  (name, given) => {
    const value = given === undefined ? fallback : given
    check(name, value)
    return value as Value
  }

/** An option that is a number from `min` to `max`, both inclusive. */
export const numberOption = (
  fallback: number,
  { min = 0, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number } = {},
): Rule<number> => option(fallback, (name, value) => requireNumber(name, value, min, max))

/** Several options of one object, such as `heartbeat.intervalMs`. */
export const sectionOption =
  <Table extends Record<string, Rule<unknown>>>(table: Table): Rule<ValuesOf<Table>> =>
  (name, given) =>
    applyRules(table, Object(given), `${name}.`)

/** The values of all options of a table; `prefix` stands before their names in errors. */
export const applyRules = <Table extends Record<string, Rule<unknown>>>(
  table: Table,
  options: object,
  prefix = '',
): ValuesOf<Table> => {
  const given = options as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(table).map(([name, rule]) => [name, rule(prefix + name, given[name])]),
  ) as ValuesOf<Table>
}

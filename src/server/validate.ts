/** What the messages of errors have in common. */

/** A value of anybody's, as a message shows it. */
export const show = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value}'`
    : typeof value === 'object' && value
      ? 'an object'
      : `${value}`

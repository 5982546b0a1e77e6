/**
 * How many elements of arrays, Sets and Maps are looked at while something runs: a count of work that no machine's
 * speed changes. What searches or copies a list for each of its elements shows as a number that grows with the square.
 */
const ARRAY =
  'concat every filter find findIndex flat flatMap forEach includes indexOf map reduce shift some splice sort unshift'.split(
    ' ',
  )
const ITERATED = [Array.prototype, Set.prototype, Map.prototype]

type Method = (this: Iterable<unknown>, ...all: unknown[]) => unknown
type Methods = Record<PropertyKey, Method>

export const countWalked = async (run: () => unknown): Promise<number> => {
  let walked = 0
  const restore: (() => void)[] = []
  const wrap = (name: string): void => {
    const methods = Array.prototype as unknown as Methods
    const original = methods[name] as Method
    restore.push(() => {
      methods[name] = original
    })
    methods[name] = function (...all) {
      const before = (this as unknown[]).length
      const result = original.apply(this, all)
      walked += name === 'slice' ? (result as unknown[]).length : before
      return result
    }
  }
  for (const name of [...ARRAY, 'slice']) wrap(name)
  // Where it is left early, only what was looked at counts.
  for (const owner of ITERATED) {
    for (const name of [Symbol.iterator, 'keys', 'values', 'entries']) {
      const methods = owner as unknown as Methods
      const original = methods[name] as Method
      restore.push(() => {
        methods[name] = original
      })
      methods[name] = function () {
        const iterator = original.call(this) as Iterator<unknown>
        return {
          next() {
            walked++
            return iterator.next()
          },
          return: (value: unknown) => ({ value, done: true }),
          [Symbol.iterator]() {
            return this
          },
        }
      }
    }
  }
  try {
    await run()
  } finally {
    for (const each of restore.reverse()) each()
  }
  return walked
}

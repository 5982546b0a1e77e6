/** How many elements of lists a piece of code goes through, by whatever way: what does not depend on the machine. */
export const workOf = (run: () => void): number => {
  const proto = Array.prototype as unknown as Record<PropertyKey, (...given: unknown[]) => unknown>
  const walks = 'filter find findIndex indexOf includes some every map flat flatMap sort'.split(' ')
  const copies = 'concat slice splice shift unshift reverse'.split(' ')
  const names: PropertyKey[] = [...walks, ...copies, Symbol.iterator]
  const before = new Map(names.map(name => [name, proto[name] as (typeof proto)[string]]))
  let work = 0
  for (const [name, original] of before) {
    proto[name] = function (this: unknown[], ...given: unknown[]) {
      work += this.length
      return original.apply(this, given)
    }
  }
  try {
    run()
  } finally {
    for (const [name, original] of before) proto[name] = original
  }
  return work
}

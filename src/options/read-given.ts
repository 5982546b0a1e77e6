/**
 * Everything that the application's object has, read once: its own fields, and what its class has as getters and methods.
 * A method keeps its object.
 */
export const readGiven = (given: object): Record<string, unknown> => {
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

/** A list that is filled at its end and emptied from its head, at the same cost however long it is. */
export interface Fifo<Item> {
  readonly length: number
  /** The item so many places behind the head. */
  at(index: number): Item | undefined
  push(item: Item): void
  /** Takes out the head. */
  shift(): Item | undefined
  /** A copy, as of an array. */
  slice(start?: number, end?: number): Item[]
  clear(): void
}

export const createFifo = <Item>(): Fifo<Item> => {
  let items: (Item | undefined)[] = []
  /** Where the head is; what was before it has left. */
  let head = 0
  return {
    get length() {
      return items.length - head
    },
    at: index => items[head + index],
    push: item => void items.push(item),
    shift() {
      if (head === items.length) return undefined
      const item = items[head]
      items[head++] = undefined
      // An array's own shift() moves all others in a long list. Cut in halves, each is moved about once.
      if (head * 2 >= items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    slice: (start = 0, end = Number.POSITIVE_INFINITY) =>
      items.slice(head + start, head + end) as Item[],
    clear() {
      items = []
      head = 0
    },
  }
}

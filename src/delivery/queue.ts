/** A queue that can be left from anywhere, at the same cost however long it is. */
export interface Queue<Item> extends Iterable<Item> {
  readonly size: number
  first(): Item | undefined
  /** Returns what takes it out again, whatever has left before; idempotent. */
  add(item: Item): () => void
}

interface Link<Item> {
  readonly item: Item | undefined
  before: Link<Item>
  after: Link<Item>
}

export const createQueue = <Item>(): Queue<Item> => {
  // A ring: the end is before the first and after the last.
  const end = { item: undefined } as Link<Item>
  end.before = end.after = end
  let size = 0
  return {
    get size() {
      return size
    },
    first: () => end.after.item,
    add(item) {
      const link = { item, before: end.before, after: end }
      end.before.after = end.before = link
      size++
      let waits = true
      return () => {
        if (!waits) return
        waits = false
        size--
        link.before.after = link.after
        link.after.before = link.before
      }
    },
    *[Symbol.iterator]() {
      for (let link = end.after; link !== end; link = link.after) yield link.item as Item
    },
  }
}

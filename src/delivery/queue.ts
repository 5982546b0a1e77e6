/** A queue that can be left from anywhere, at the same cost however long it is. */

/** An item knows its neighbours, so that it needs no list node of its own. Both are absent while it is in no queue. */
export interface Linked {
  before?: Linked | undefined
  after?: Linked | undefined
}

export interface Queue<Item extends Linked> extends Iterable<Item> {
  first(): Item | undefined
  /** Adds an item, which must be in no queue, at the end. */
  push(item: Item): void
  /** Adds an item, which must be in no queue, before all others. */
  unshift(item: Item): void
}

export const isQueued = (item: Linked): boolean => item.after !== undefined

/** Takes an item out of whatever queue it is in. Idempotent. */
export const leaveQueue = (item: Linked): void => {
  const { before, after } = item
  if (!before || !after) return
  before.after = after
  after.before = before
  item.before = item.after = undefined
}

export const createQueue = <Item extends Linked>(): Queue<Item> => {
  // A ring: the end is before the first item and after the last.
  const end = {} as Required<{ before: Linked; after: Linked }>
  end.before = end.after = end
  const insert = (item: Item, before: Linked, after: Linked): void => {
    item.before = before
    item.after = after
    before.after = after.before = item
  }
  return {
    first: () => (end.after === end ? undefined : (end.after as Item)),
    push: item => insert(item, end.before, end),
    unshift: item => insert(item, end, end.after),
    *[Symbol.iterator]() {
      for (let item = end.after; item !== end; item = item.after as Linked) yield item as Item
    },
  }
}

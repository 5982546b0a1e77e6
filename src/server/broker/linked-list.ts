/** A list from which any item is removed in constant time; a Map searches its holes for the first one. */
export interface Linked<Item extends Linked<Item>> {
  list: LinkedList<Item> | undefined
  before: Item | undefined
  after: Item | undefined
}

export class LinkedList<Item extends Linked<Item>> {
  #first: Item | undefined
  #last: Item | undefined

  get first(): Item | undefined {
    return this.#first
  }

  /** Moves an item to the end of this list, from whatever list it is in. */
  append(item: Item): void {
    item.list?.remove(item)
    item.list = this
    item.before = this.#last
    if (this.#last) this.#last.after = item
    else this.#first = item
    this.#last = item
  }

  remove(item: Item): void {
    const { before, after } = item
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    item.list = undefined
    item.before = undefined
    item.after = undefined
  }
}

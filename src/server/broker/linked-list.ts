/** A list from which anything can be taken out at no cost; a Map searches its holes for what is first. */
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

  /** Puts an item at the end, out of whatever list it is in. */
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

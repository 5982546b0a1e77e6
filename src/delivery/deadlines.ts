/** Who expires next: a heap, so that many with different deadlines are not looked through for each. */
export interface Deadlines<Item> {
  add(item: Item): void
  /** The one with the earliest deadline of those that still wait. */
  first(): Item | undefined
}

/** So many that do not wait any more are kept at least before the heap is made anew. */
const SLACK = 64

export const createDeadlines = <Item>(
  deadlineOf: (item: Item) => number,
  waits: (item: Item) => boolean,
): Deadlines<Item> => {
  /** No item is due before the one at half its index. The first place stays empty. */
  let heap: (Item | undefined)[] = [undefined]
  /** With more items than this, those that do not wait any more are thrown out. */
  let rebuildAbove = SLACK

  const due = (index: number): number =>
    index < heap.length ? deadlineOf(heap[index] as Item) : Number.POSITIVE_INFINITY

  const swap = (one: number, other: number): void => {
    const item = heap[one]
    heap[one] = heap[other]
    heap[other] = item
  }

  const rise = (from: number): void => {
    for (let index = from; index > 1 && due(index) < due(index >> 1); index >>= 1) {
      swap(index, index >> 1)
    }
  }

  const removeFirst = (): void => {
    swap(1, heap.length - 1)
    heap.pop()
    for (let index = 1; ; ) {
      const child = due(index * 2) <= due(index * 2 + 1) ? index * 2 : index * 2 + 1
      if (due(child) >= due(index)) return
      swap(index, child)
      index = child
    }
  }

  return {
    add(item) {
      heap.push(item)
      rise(heap.length - 1)
      if (heap.length <= rebuildAbove) return
      const left = (heap.slice(1) as Item[]).filter(waits)
      // In their order they are a heap, too.
      heap = [undefined, ...left.sort((a, b) => deadlineOf(a) - deadlineOf(b))]
      rebuildAbove = heap.length * 2 + SLACK
    },
    first() {
      while (heap.length > 1 && !waits(heap[1] as Item)) removeFirst()
      return heap[1]
    },
  }
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAborts } from '../../src/delivery/aborts.ts'
import { createDeadlines } from '../../src/delivery/deadlines.ts'
import { createQueue, isQueued, type Linked, leaveQueue } from '../../src/delivery/queue.ts'
import { createFifo } from '../../src/shared/fifo.ts'

const steps = fc.array(fc.tuple(fc.nat(2), fc.nat(20)), { maxLength: 300 })

test('a fifo is what an array with push and shift is', () => {
  fc.assert(
    fc.property(steps, given => {
      const fifo = createFifo<number>()
      const array: number[] = []
      for (const [step, number] of given) {
        if (step) {
          fifo.push(number)
          array.push(number)
        } else expect(fifo.shift()).toBe(array.shift())
        expect(fifo.length).toBe(array.length)
        expect(fifo.at(number)).toBe(array[number])
        expect(fifo.at(-1)).toBeUndefined()
        expect(fifo.slice(0, number)).toEqual(array.slice(0, number))
      }
      expect(fifo.slice()).toEqual(array)
      fifo.clear()
      expect([fifo.length, fifo.shift()]).toEqual([0, undefined])
    }),
  )
})

test('a queue keeps its order, whatever item leaves it and at whichever end one comes', () => {
  interface Item extends Linked {
    readonly number: number
  }
  fc.assert(
    fc.property(steps, given => {
      const queue = createQueue<Item>()
      let array: Item[] = []
      for (const [step, number] of given) {
        const one = array[number]
        const item: Item = { number }
        if (step === 1) {
          queue.push(item)
          array.push(item)
        } else if (step) {
          queue.unshift(item)
          array.unshift(item)
        } else if (one) {
          expect(isQueued(one)).toBe(true)
          leaveQueue(one)
          leaveQueue(one)
          expect(isQueued(one)).toBe(false)
          array = array.filter(each => each !== one)
        }
        expect(queue.first()).toBe(array[0])
      }
      expect([...queue].map(each => each.number)).toEqual(array.map(each => each.number))
    }),
  )
})

test('the first deadline is the earliest of those that wait', () => {
  fc.assert(
    fc.property(steps, given => {
      const waiting = new Set<{ at: number }>()
      const deadlines = createDeadlines<{ at: number }>(
        ({ at }) => at,
        item => waiting.has(item),
      )
      for (const [step, at] of given) {
        const item = { at }
        if (step) {
          waiting.add(item)
          deadlines.add(item)
        } else waiting.delete([...waiting][at] ?? item)
        const earliest = Math.min(...[...waiting].map(each => each.at))
        expect(deadlines.first()?.at ?? Number.POSITIVE_INFINITY).toBe(earliest)
      }
    }),
  )
})

test('deadlines keep no more than about twice as many as wait', () => {
  const waiting = new Set<{ at: number }>()
  let kept = 0
  const deadlines = createDeadlines<{ at: number }>(
    ({ at }) => at,
    item => {
      kept++
      return waiting.has(item)
    },
  )
  const stays = { at: 0 }
  waiting.add(stays)
  deadlines.add(stays)
  for (let at = 1; at <= 10_000; at++) deadlines.add({ at })
  kept = 0
  waiting.delete(stays)
  // Looks through all that are kept.
  expect(deadlines.first()).toBeUndefined()
  expect(kept).toBeLessThan(100)
})

test('one listener a signal, as long as somebody waits for it; each is called once, and none that has ended', () => {
  const { signal } = new AbortController()
  const listening = new Set<unknown>()
  signal.addEventListener = (_type: string, listener: unknown) => void listening.add(listener)
  signal.removeEventListener = (_type: string, listener: unknown) => void listening.delete(listener)
  const aborts = createAborts()
  const calls: string[] = []
  const ends = ['a', 'b', 'c'].map(name =>
    aborts.on(signal, () => {
      calls.push(name)
      if (name === 'a') ends[1]?.()
    }),
  )
  expect(listening.size).toBe(1)
  for (const listener of listening) (listener as () => void)()
  expect(calls).toEqual(['a', 'c'])
  for (const end of ends) end()
  expect(listening.size).toBe(0)
  aborts.on(signal, () => {})
  for (const end of ends) end()
  expect(listening.size).toBe(1)
})

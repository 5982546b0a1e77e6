/** The specification and the vectors speak of the same rules. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { topics } from './vectors.ts'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const rules = [...page.matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, rule = '']) => rule)
const vectors = topics.flatMap(([, of]) => of)
const cited = new Set(vectors.flatMap(vector => vector.rules))

/** What an exchange from outside cannot show; where it is tested instead. */
const ELSEWHERE = {
  R8: 'test/server/v1.test.ts: what is published while history is read',
  L4: 'test/server/slow.test.ts',
}

test('every rule has its own name', () => {
  expect(rules).toEqual([...new Set(rules)])
  expect(rules.length).toBeGreaterThan(60)
})

test('vectors cite rules that there are', () => {
  expect([...cited].filter(rule => !rules.includes(rule))).toEqual([])
})

test('every rule has a vector, or is tested elsewhere', () => {
  expect(rules.filter(rule => !cited.has(rule)).sort()).toEqual(Object.keys(ELSEWHERE).sort())
})

test('every vector has a name of its own', () => {
  const names = vectors.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
})

test('rules that the page refers to are there', () => {
  const meant = [...page.matchAll(/\b([A-Z]\d{1,2})\b/g)].map(([, rule = '']) => rule)
  expect(meant.filter(rule => !rules.includes(rule))).toEqual([])
})

import { expect, test } from 'vitest'
import { createQuestions } from '../../src/protocol/questions.ts'

test('An answer settles what nobody has asked for since', () => {
  const questions = createQuestions()
  questions.add('first', ['a', 'b', 'c'])
  questions.add('second', ['b'])
  expect(questions.answered('first')).toEqual({ settled: ['a', 'c'], askedAgain: ['b'] })
  expect(questions.answered('second')).toEqual({ settled: ['b'], askedAgain: [] })
})

test('An answer counts once, and one to nothing says nothing', () => {
  const questions = createQuestions()
  questions.add('first', ['a'])
  questions.answered('first')
  const nothing = { settled: [], askedAgain: [] }
  expect(questions.answered('first')).toEqual(nothing)
  expect(questions.answered('another')).toEqual(nothing)
  expect(questions.answered(undefined)).toEqual(nothing)
})

test('After a thousand questions without an answer the oldest is waited for no longer', () => {
  const questions = createQuestions()
  for (let number = 0; number < 1001; number++) questions.add(`${number}`, [`channel ${number}`])
  expect(questions.answered('0').settled).toEqual([])
  expect(questions.answered('1').settled).toEqual(['channel 1'])
  expect(questions.answered('1000').settled).toEqual(['channel 1000'])
})

test('What is cleared is not waited for', () => {
  const questions = createQuestions()
  questions.add('first', ['a'])
  questions.clear()
  expect(questions.answered('first')).toEqual({ settled: [], askedAgain: [] })
  questions.add('first', ['b'])
  expect(questions.answered('first').settled).toEqual(['b'])
})

import { expect, test } from 'vitest'
import { createQuestions } from '../../src/protocol/v1/questions.ts'

test('An answer is the newest for what nobody has asked for since', () => {
  const questions = createQuestions()
  questions.add('first', ['a', 'b', 'c'])
  questions.add('second', ['b'])
  expect(questions.take('first')).toEqual({ newest: ['a', 'c'], askedAgain: ['b'] })
  expect(questions.take('second')).toEqual({ newest: ['b'], askedAgain: [] })
})

test('The later of two may be answered first', () => {
  const questions = createQuestions()
  questions.add('first', ['a', 'b'])
  questions.add('second', ['b'])
  expect(questions.take('second')).toEqual({ newest: ['b'], askedAgain: [] })
  expect(questions.take('first')).toEqual({ newest: ['a'], askedAgain: ['b'] })
})

test('An answer counts once, and one to nothing says nothing', () => {
  const questions = createQuestions()
  questions.add('first', ['a'])
  questions.take('first')
  const nothing = { newest: [], askedAgain: [] }
  expect(questions.take('first')).toEqual(nothing)
  expect(questions.take('another')).toEqual(nothing)
  expect(questions.take(undefined)).toEqual(nothing)
})

test('After a thousand questions without an answer the oldest is waited for no longer', () => {
  const questions = createQuestions()
  for (let number = 0; number < 1001; number++) questions.add(`${number}`, [`channel ${number}`])
  expect(questions.take('0').newest).toEqual([])
  expect(questions.take('1').newest).toEqual(['channel 1'])
  expect(questions.take('1000').newest).toEqual(['channel 1000'])
})

test('What is cleared is not waited for', () => {
  const questions = createQuestions()
  questions.add('first', ['a'])
  questions.clear()
  expect(questions.take('first')).toEqual({ newest: [], askedAgain: [] })
  questions.add('first', ['b'])
  expect(questions.take('first').newest).toEqual(['b'])
})

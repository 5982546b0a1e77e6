import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { chromiumEngine } from './chromium.ts'
import { firefoxEngine } from './firefox.ts'
import { webkitEngine } from './webkit.ts'

const DOCS = readFileSync(new URL('../../../docs/browsers.md', import.meta.url), 'utf8')

describe('what an engine cannot show stands in docs/browsers.md', () => {
  const lacks = [chromiumEngine, firefoxEngine, webkitEngine].flatMap(({ name, cannot }) =>
    Object.entries(cannot).map(([skill, reason]) => ({ name, skill, reason })),
  )
  test.each(lacks)('$name, $skill', ({ name, skill, reason }) => {
    expect(DOCS).toContain(`| ${name} | ${skill} | ${reason} |`)
  })
})

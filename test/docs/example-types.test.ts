import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}node_modules/.cache/example-types`

const pagesIn = (path: string): string[] =>
  readdirSync(root + path)
    .filter(name => name.endsWith('.md'))
    .map(name => `${path}/${name}`)

/** Every TypeScript block of the documentation that imports something: each is a module of its own. */
const blocks = (): { name: string; code: string }[] =>
  ['README.md', ...pagesIn('docs'), ...pagesIn('docs/recipes')].flatMap(page => {
    return [...readFileSync(root + page, 'utf8').matchAll(/```(tsx?)\n([\s\S]*?)```/g)]
      .filter(([, , code = '']) => /^import /m.test(code))
      .map(([, kind, code = ''], index) => ({
        name: `${page.replaceAll('/', '-').replace('.md', '')}-${index}.${kind}`,
        code: `${code}\nexport {}\n`,
      }))
  })

test('the examples of the documentation have no type error', () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const examples = blocks()
  expect(examples.length).toBeGreaterThan(5)
  for (const { name, code } of examples) writeFileSync(`${folder}/${name}`, code)
  const config = {
    extends: `${root}tsconfig.json`,
    compilerOptions: { isolatedDeclarations: false, declaration: false, noUnusedLocals: false },
    include: ['.'],
  }
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config))
  const run = (): string => {
    try {
      return execFileSync(`${root}node_modules/.bin/tsc`, ['-p', folder], { encoding: 'utf8' })
    } catch (thrown) {
      return (thrown as { stdout: string }).stdout
    }
  }
  expect(run()).toBe('')
}, 120_000)

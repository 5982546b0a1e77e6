/** The shape of the house (design, section 3): which room imports which, no circles, and nothing too long to hold. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../src', import.meta.url))

const FACTS = ['protocol/facts', 'shared', 'errors']
const BELOW = ['protocol/interface', 'transport', 'options', ...FACTS]
const CLIENT = ['http', 'channels', 'delivery', 'protocol', 'protocol/v1', 'connection']

/**
 * What each room may import of others, at run time and as types. `types`: only as types, which load nothing: a part is
 * handed the parts it uses, and names their interfaces. Rooms side by side keep to that, with the exceptions said here.
 */
const MAY_IMPORT: Readonly<Record<string, { any: readonly string[]; types?: readonly string[] }>> =
  {
    shared: { any: [] },
    errors: { any: [] },
    // The numbers and types of the wire, for client and server alike.
    'protocol/facts': { any: [] },
    // What a protocol is, for those who write one: the options name it.
    'protocol/interface': { any: [], types: ['transport', 'errors'] },
    transport: { any: ['shared'] },
    // The options name how a link ends.
    options: { any: ['shared'], types: ['protocol/interface', 'transport'] },

    connection: { any: BELOW },
    protocol: { any: BELOW },
    channels: { any: BELOW, types: ['connection'] },
    delivery: { any: BELOW, types: ['connection', 'protocol'] },
    // Protocol v1 moves the cursors in the records of channels, and speaks in the envelopes of `protocol`.
    'protocol/v1': { any: ['channels', 'protocol', ...BELOW], types: ['delivery'] },
    // Polling adds its states and rows to the tables of the connection.
    http: { any: ['connection', ...BELOW], types: ['channels', 'delivery', 'protocol'] },

    client: { any: [...CLIENT, ...BELOW] },
    parts: { any: ['client', ...CLIENT, ...BELOW] },
    protocols: { any: ['connection', 'protocol', ...BELOW] },
    entry: { any: ['client', 'parts', 'indicator', ...CLIENT, ...BELOW, 'entry'] },

    adapters: { any: ['entry'] },
    react: { any: ['entry', 'adapters'] },
    vue: { any: ['entry', 'adapters'] },
    indicator: { any: ['entry', 'adapters'] },
    testing: { any: ['entry', 'shared'] },
    server: { any: ['protocol/facts', 'shared'] },
    cli: { any: ['server'] },
  }

const FILES_OF_THE_WIRE = /^protocol\/(constants|close-codes|wire-types|fields)\.ts$/

const roomOf = (file: string): string => {
  if (FILES_OF_THE_WIRE.test(file)) return 'protocol/facts'
  if (file === 'protocol/protocol.ts') return 'protocol/interface'
  if (file.startsWith('protocol/v1/')) return 'protocol/v1'
  if (file === 'errors.ts') return 'errors'
  const [room, ...rest] = file.split('/')
  return rest.length ? `${room}` : 'entry'
}

interface Import {
  readonly from: string
  readonly to: string
  readonly isType: boolean
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(file => /\.tsx?$/.test(file))
  .sort()

const sources = new Map(
  files.map(file => {
    const text = readFileSync(join(root, file), 'utf8')
    return [file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)] as const
  }),
)

const isOnlyTypes = (statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean => {
  const clause = ts.isImportDeclaration(statement) ? statement.importClause : statement
  if (clause?.isTypeOnly) return true
  const names = ts.isImportDeclaration(statement)
    ? statement.importClause?.namedBindings
    : statement.exportClause
  if (!names || !('elements' in names)) return false
  const hasDefault = ts.isImportDeclaration(statement) && statement.importClause?.name
  return !hasDefault && names.elements.every(element => element.isTypeOnly)
}

const imports: readonly Import[] = [...sources].flatMap(([from, source]) =>
  source.statements.flatMap(statement => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return []
    const specifier = statement.moduleSpecifier
    if (!specifier || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return []
    const to = join(dirname(from), specifier.text)
    return [{ from, to, isType: isOnlyTypes(statement) }]
  }),
)

const isAllowed = ({ from, to, isType }: Import): boolean => {
  const [room, other] = [roomOf(from), roomOf(to)]
  const { any = [], types = [] } = MAY_IMPORT[room] ?? {}
  return room === other || any.includes(other) || (isType && types.includes(other))
}

test('every file of the source lies in a room that the table knows', () => {
  expect(files.filter(file => !MAY_IMPORT[roomOf(file)])).toEqual([])
  expect(imports.length).toBeGreaterThan(500)
})

test('imports run downwards only', () => {
  const wrong = imports.filter(each => !isAllowed(each))
  expect(wrong.map(({ from, to, isType }) => `${from} -> ${to}${isType ? ' (type)' : ''}`)).toEqual(
    [],
  )
})

/** Files that can be reached from each other, in groups; also by types alone. */
const circles = (): string[][] => {
  const targets = new Map(files.map(file => [file, [] as string[]]))
  for (const { from, to } of imports) targets.get(from)?.push(to)
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  // Tarjan's algorithm.
  const visit = (file: string): void => {
    order.set(file, order.size)
    lowest.set(file, order.size - 1)
    stack.push(file)
    for (const target of targets.get(file) ?? []) {
      if (!order.has(target)) visit(target)
      if (stack.includes(target)) {
        lowest.set(file, Math.min(lowest.get(file) ?? 0, lowest.get(target) ?? 0))
      }
    }
    if (lowest.get(file) !== order.get(file)) return
    const group = stack.splice(stack.indexOf(file))
    if (group.length > 1) found.push(group.sort())
  }
  for (const file of files) if (!order.has(file)) visit(file)
  return found
}

test('no files import each other in a circle', () => {
  expect(circles()).toEqual([])
})

const MAX_FUNCTION_LINES = 120
const MAX_FILE_LINES = 350
/** Not code but data: scripts in another language, and a style sheet. */
const DATA = ['server/broker/redis/lua-scripts.ts', 'indicator/styles.ts']

const linesOf = (node: ts.Node, source: ts.SourceFile): number =>
  source.getLineAndCharacterOfPosition(node.end).line -
  source.getLineAndCharacterOfPosition(node.getStart(source)).line +
  1

test('no function is longer than a reader can hold', () => {
  const long: string[] = []
  for (const [file, source] of sources) {
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && 'body' in node && node.body) {
        const lines = linesOf(node, source)
        const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
        if (lines > MAX_FUNCTION_LINES) long.push(`${file}:${line}: ${lines} lines`)
      }
      ts.forEachChild(node, visit)
    }
    if (!DATA.includes(file)) visit(source)
  }
  expect(long).toEqual([])
})

test('no file is so long that it answers two questions', () => {
  const long = [...sources]
    .filter(([file]) => !DATA.includes(file))
    .map(([file, source]) => [file, source.getLineStarts().length - 1] as const)
    .filter(([, lines]) => lines > MAX_FILE_LINES)
  expect(long).toEqual([])
})

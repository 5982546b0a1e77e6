/** README: every option has its doc comment. So has every other member of the interfaces and classes that users see. */
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Exported interfaces, classes and functions. */
const isShown = (statement: ts.Statement): boolean =>
  (ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined)?.some(
    ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
  ) === true && !ts.isExportDeclaration(statement)

const nameOf = (statement: ts.Statement): string =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.getText()).join()
    : ((statement as ts.InterfaceDeclaration).name?.getText() ?? statement.getText())

/** Exported declarations without a doc comment, and members of exported interfaces and classes without one. */
const undocumentedAtAll = (path: string): string[] => {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const missing = source.statements
    .filter(each => isShown(each) && !ts.getJSDocCommentsAndTags(each).length)
    .map(nameOf)
  for (const statement of source.statements) {
    if (!ts.isClassDeclaration(statement) || !isShown(statement)) continue
    // A getter speaks for its setter.
    const documented = new Set<string>()
    for (const member of statement.members) {
      const name = member.name ?? undefined
      if (name && ts.isPrivateIdentifier(name)) continue
      const text = name?.getText() ?? 'constructor'
      if (ts.getJSDocCommentsAndTags(member).length) documented.add(text)
      else if (!documented.has(text)) missing.push(`${nameOf(statement)}.${text}`)
    }
  }
  return [...missing, ...undocumented(path)]
}

/** Members of exported interfaces, also of objects inside them, that say nothing of themselves. */
const undocumented = (path: string): string[] => {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const missing: string[] = []
  const visit = (members: ts.NodeArray<ts.TypeElement>, owner: string): void => {
    for (const member of members) {
      const name = `${owner}.${member.name?.getText(source)}`
      if (!ts.getJSDocCommentsAndTags(member).length) missing.push(name)
      if (ts.isPropertySignature(member) && member.type && ts.isTypeLiteralNode(member.type)) {
        visit(member.type.members, name)
      }
    }
  }
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement)) continue
    // Settings are the options again, complete.
    if (/^Settings$|(Hooks|Deps)$/.test(statement.name.text)) continue
    const exported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    if (exported) visit(statement.members, statement.name.text)
  }
  return missing
}

test.each([
  'src/server/options.ts',
  'src/server/broker/broker.ts',
  'src/server/broker/memory-broker.ts',
  'src/server/broker/redis/redis-options.ts',
  'src/server/broker/session-store.ts',
  'src/server/create-server.ts',
  'src/server/logging.ts',
  'src/server/server-events.ts',
  'src/server/shutdown.ts',
])('every member that %s shows has a doc comment', path => {
  expect(undocumented(path)).toEqual([])
})

test.each([
  'src/errors.ts',
  'src/client/client-types.ts',
  'src/options/options.ts',
  'src/adapters/actions.ts',
  'src/adapters/channel-store.ts',
  'src/adapters/legacy-status.ts',
  'src/adapters/options.ts',
  'src/adapters/view-store.ts',
  'src/react/connection-status.ts',
  'src/react/hooks.ts',
  'src/react/provider.ts',
  'src/react/use-connection.ts',
  'src/react/use-legacy.ts',
  'src/vue/composables.ts',
  'src/vue/connection-status.ts',
  'src/vue/provider.ts',
  'src/vue/reactive-choice.ts',
  'src/vue/use-connection.ts',
  'src/vue/use-legacy.ts',
  'src/indicator/describe.ts',
  'src/indicator/element.ts',
  'src/testing/fake-network.ts',
  'src/testing/virtual-clock.ts',
])('everything that %s shows has a doc comment', path => {
  expect(undocumentedAtAll(path)).toEqual([])
})

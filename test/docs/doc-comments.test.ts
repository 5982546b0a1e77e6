/** README: every option has its doc comment. So has every other member of what the client and the server show. */
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'

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
  'src/client/client-types.ts',
  'src/options/options.ts',
  'src/adapters/options.ts',
  'src/server/options.ts',
  'src/server/broker/memory-broker.ts',
  'src/server/broker/broker.ts',
  'src/server/broker/redis/redis-options.ts',
  'src/server/broker/session-store.ts',
  'src/server/create-server.ts',
  'src/server/logging.ts',
  'src/server/server-events.ts',
  'src/server/shutdown.ts',
])('every member that %s shows has a doc comment', path => {
  expect(undocumented(path)).toEqual([])
})

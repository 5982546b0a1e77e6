/** The declarations of the built package, in the project of a user. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
let folder: string

beforeAll(async () => {
  await mkdir(`${ROOT}test-results`, { recursive: true })
  // Inside the repository: React, Vue and Node's types are found, and the package by the link.
  folder = mkdtempSync(`${ROOT}test-results/types-`)
  await mkdir(`${folder}/node_modules`)
  symlinkSync(ROOT, `${folder}/node_modules/resilient-websocket`, 'dir')
  const source = `import { createResilientWebSocket } from 'resilient-websocket'
     import { describeConnection } from 'resilient-websocket/indicator'
     import { useResilientWebSocket } from 'resilient-websocket/react'
     import { createFakeNetwork } from 'resilient-websocket/testing'
     import { useSubscription } from 'resilient-websocket/vue'

     export const socket = createResilientWebSocket()
     export const words = describeConnection(socket.getSnapshot())
     export const subscription = socket.subscribe('AAPL')
     subscription[Symbol.dispose]()
     socket[Symbol.dispose]()
     export const all = [useResilientWebSocket, useSubscription, createFakeNetwork]`
  for (const name of ['app.tsx', 'app.cts']) writeFileSync(`${folder}/${name}`, source)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** TypeScript reads React, Vue and the DOM: seconds, and many of them where the machine is busy. */
const PATIENCE_MS = 240_000

test.each([
  ['ES2020', 'app.tsx', ['ES2020', 'DOM'], []],
  ['ES2020, as CommonJS', 'app.cts', ['ES2020', 'DOM'], []],
  [
    'ESNext beside the types of Node, which both have it, too',
    'app.tsx',
    ['ESNext', 'DOM'],
    ['node'],
  ],
])(
  'compile without skipLibCheck, with the lib %s',
  (_name, file, lib, types) => {
    const commonJs = file.endsWith('.cts')
    const compilerOptions = {
      target: 'ES2020',
      module: commonJs ? 'Node16' : 'ESNext',
      moduleResolution: commonJs ? 'Node16' : 'Bundler',
      jsx: 'react-jsx',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      lib,
      types,
    }
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: [file] }))
    const { stdout } = spawnSync(
      process.execPath,
      [`${ROOT}node_modules/typescript/bin/tsc`, '-p', folder],
      {
        encoding: 'utf8',
      },
    )
    // What others' declarations lack is not for us to say.
    const ours = stdout.split('\n').filter(line => /^(.*dist\/|app\.|test-results)/.test(line))
    expect(ours).toEqual([])
  },
  PATIENCE_MS,
)

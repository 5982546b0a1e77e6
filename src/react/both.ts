/** Both entries in one file, for CommonJS: they share their clients. */
'use client'

export * as basic from './basic.ts'
export * as index from './index.ts'

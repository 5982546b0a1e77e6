/** Both entries in one file, for CommonJS: they share their clients. */
export * as basic from './basic.ts'
export * as index from './index.ts'

/** Both entries of the client in one file, for CommonJS. */
export * as basic from './basic.ts'
export * as index from './index.ts'

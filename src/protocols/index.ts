/**
 * Other people's servers: values for the option `protocol`.
 *
 * @module
 */
export {
  type PhoenixMessage,
  type PhoenixOptions,
  type PhoenixParams,
  type PhoenixPush,
  phoenix,
} from './phoenix.ts'

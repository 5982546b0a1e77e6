/** How many bytes a text has in UTF-8. */

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000

/** Most messages have as many bytes as characters, which a regular expression finds out fastest. */
const ASCII = /^[\0-\x7f]*$/

/**
 * Counted without a `TextEncoder`, which Jest's jsdom lacks and which allocates the bytes to count them. A lone
 * surrogate has three bytes: it goes out as U+FFFD.
 */
export const utf8Bytes = (text: string): number => {
  if (ASCII.test(text)) return text.length
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      // Two units, four bytes.
      bytes += 2
      index++
    } else bytes += unit < 0x800 ? 1 : 2
  }
  return bytes
}

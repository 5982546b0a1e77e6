/** Which poll may be answered with 304: the ETag of the last answer, and whether requests with an ETag get through. */

export interface Etags {
  /**
   * The headers that make the next poll conditional; none if the last answer was for another URL or revision, or if
   * conditions fail.
   */
  condition(url: string, revision: number): Record<string, string>
  /** The poll was answered: what goes wrong with its answer has another reason than a condition. */
  accepted(): void
  /** Keeps the ETag of an answer, if it has one. */
  keep(headers: Headers, url: string, revision: number): void
  /** The poll has failed. True if its condition is the likely reason: polls have none from now on. */
  failed(): boolean
}

/** So many failures of conditional polls in a row, with good ones between that had no condition. */
const MAX_FAILURES = 2

export const createEtags = (): Etags => {
  let last = { etag: null as string | null, url: '', revision: 0 }
  /** The poll under way has a condition that the server has not accepted yet. */
  let isConditional = false
  let failures = 0

  return {
    condition(url, revision) {
      const { etag } = last
      const isSame = last.revision === revision && last.url === url
      isConditional = etag !== null && isSame && failures < MAX_FAILURES
      return isConditional ? { 'if-none-match': etag as string } : {}
    },
    accepted() {
      if (isConditional) failures = 0
      isConditional = false
    },
    keep(headers, url, revision) {
      last = { etag: headers.get('etag'), url, revision }
    },
    failed() {
      // Across origins a preflight can forbid the condition: the next poll has none.
      last = { ...last, etag: null }
      const wasConditional = isConditional
      isConditional = false
      return wasConditional && ++failures === MAX_FAILURES
    },
  }
}

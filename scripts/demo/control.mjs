// @ts-check
/** The control API of the demo: `GET /demo/state`, and `POST /demo/ACTION` from the page itself only. */

/** @import { RequestListener, ServerResponse } from 'node:http' */

/** @param {ServerResponse} response @param {number} status @param {unknown} body */
const answer = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

/**
 * @param {object} demo
 * @param {() => readonly string[]} demo.origins Under which names the page is known.
 * @param {() => unknown} demo.state
 * @param {Readonly<Record<string, () => unknown>>} demo.actions
 * @returns {RequestListener}
 */
export const createControl =
  ({ origins, state, actions }) =>
  async (request, response) => {
    const { method, url = '', headers } = request
    // The Host too: a foreign page whose name was made to point here is still foreign.
    if (!origins().includes(`http://${headers.host}`)) {
      return answer(response, 403, { message: `Unexpected Host: ${headers.host}` })
    }
    const name = url.replace(/^\/demo\//, '')
    if (name === 'state' && method === 'GET') return answer(response, 200, state())
    if (!Object.hasOwn(actions, name)) return answer(response, 404, { message: 'No such action' })
    if (method !== 'POST') return answer(response, 405, { message: 'Expected POST' })
    if (headers.origin !== `http://${headers.host}`) {
      return answer(response, 403, { message: "Expected the page's own Origin" })
    }
    try {
      await actions[name]?.()
      answer(response, 200, state())
    } catch (error) {
      answer(response, 500, { message: /** @type {Error} */ (error).message })
    }
  }

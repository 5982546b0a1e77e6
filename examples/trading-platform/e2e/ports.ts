/** Ports beside those that `npm run dev` uses, so that both can run, and below those that systems give to clients. */
export const PORTS = { page: 3100, proxy: 3101, server: 3102, devPage: 3103, devServer: 3104 }

export const PAGE_URL = `http://localhost:${PORTS.page}`
export const PROXY_URL = `ws://127.0.0.1:${PORTS.proxy}`
export const SERVER_URL = `http://127.0.0.1:${PORTS.server}`

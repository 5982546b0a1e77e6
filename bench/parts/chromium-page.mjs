// The page of chromium.mjs: one client, whose messages are counted in `counted`. CONTENDER and URL are put in by its bundler.
import { loadContender } from '../clients/contenders.mjs'

globalThis.counted = 0
const contender = await loadContender(CONTENDER)
contender.connect({
  url: FEED_URL,
  WebSocket,
  onMessage() {
    globalThis.counted++
  },
  onOpen() {
    globalThis.isOpen = true
  },
})

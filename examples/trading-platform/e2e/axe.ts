import type { Page } from '@playwright/test'
import axe from 'axe-core'

/** What axe finds wrong with the page as it is now: each rule, and where. */
export const axeFindings = async (page: Page): Promise<unknown[]> => {
  await page.evaluate(`globalThis.axe ?? (() => { ${axe.source} })()`)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document),
  )
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
}

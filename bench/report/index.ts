export { chartOf } from './chart.ts'
export { pageOf, sectionOf } from './page.ts'

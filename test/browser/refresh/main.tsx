import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Desk } from './Desk.tsx'

const url = String(new URLSearchParams(location.search).get('url'))

createRoot(document.querySelector('main') as Element).render(
  <StrictMode>
    <Desk url={url} />
  </StrictMode>,
)

import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'
import { Banners } from './components/Banners'
import { Feed } from './components/Feed'
import { Header } from './components/Header'
import { StatusStrip } from './components/StatusStrip'
import { DeskProvider } from './hooks/useDesk'
import './globals.css'

export const metadata: Metadata = {
  title: 'Trading desk',
  description: 'A trading desk that stays connected, on resilient-websocket',
}

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#eef1f5' },
    { media: '(prefers-color-scheme: dark)', color: '#0b0f15' },
  ],
}

const Layout = ({ children }: { children: ReactNode }) => (
  <html lang="en">
    <body>
      <DeskProvider>
        <Feed />
        <Header />
        <Banners />
        {children}
        <StatusStrip />
      </DeskProvider>
    </body>
  </html>
)

export default Layout

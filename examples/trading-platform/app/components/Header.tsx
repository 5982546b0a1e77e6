'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { Indicator } from './Indicator'

const PAGES = [
  { href: '/', name: 'Desk' },
  { href: '/connection', name: 'Connection' },
]

export const Header = () => {
  const path = usePathname()
  return (
    <header className="top">
      <svg className="mark" viewBox="0 0 36 36" aria-hidden="true">
        <rect width="36" height="36" rx="9" />
        <path d="M6 19h5l3-9 5 17 4-11 2 3h5" />
      </svg>
      <h1>Trading desk</h1>
      <nav aria-label="Pages">
        {PAGES.map(({ href, name }) => (
          <Link key={href} href={href} aria-current={path === href ? 'page' : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <Indicator />
    </header>
  )
}

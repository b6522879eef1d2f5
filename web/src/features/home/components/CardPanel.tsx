import { CheckCircleOutlined, RightOutlined } from '@ant-design/icons'
import { useRouter } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { CheckState } from '@/shared/api/types'
import { useLocalized } from '@/shared/lib/localized'
import { CheckStateTag } from '@/shared/ui/StateTag'
import { Ago } from '@/shared/ui/Time'
import type { Card, CardItem } from '../queries'

/** One card: how many, the first of them, and the way to all of them. */
export function CardPanel({ card, place }: { card: Card; place: number }) {
  const { t } = useTranslation('home')
  const { title } = useLocalized()
  const id = `card-${card.key}`
  return (
    <section className={`panel card card-${card.severity}`} style={{ order: place }} aria-labelledby={id}>
      <div className="card-head">
        <h2 className="panel-title" id={id}>
          {title(card)}
        </h2>
        <span className="card-count">{card.count}</span>
        <span className="grow" />
        <Way to={card.href} className="card-all">
          {t('all')} <RightOutlined aria-hidden />
        </Way>
      </div>
      <ul className="card-lines">
        {card.items.map((item, i) => (
          <Line key={`${item.href}-${i}`} item={item} />
        ))}
      </ul>
      {card.count > card.items.length && (
        <Way to={card.href} className="card-more">
          {t('more', { count: card.count - card.items.length })}
        </Way>
      )}
    </section>
  )
}

function Line({ item }: { item: CardItem }) {
  const { title } = useLocalized()
  return (
    <li>
      <Way to={item.href} className="card-line" line>
        <LineState state={item.state} />
        <span className="card-text">{title(item)}</span>
        {item.at && (
          <span className="meta">
            <Ago value={item.at} />
          </span>
        )}
      </Way>
    </li>
  )
}

const checkStates = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN']

/** The state of a line when it is one that has a word and a colour. */
function LineState({ state }: { state?: string }) {
  const upper = state?.toUpperCase() ?? ''
  if (!checkStates.includes(upper)) return null
  return <CheckStateTag state={upper as CheckState} />
}

/** What can wait: one line each, with the first of them as a taste. */
export function LaterCards({ cards }: { cards: Card[] }) {
  const { t } = useTranslation('home')
  const { title } = useLocalized()
  return (
    <section className="panel card card-info" aria-label={t('later')}>
      <ul className="card-lines">
        {cards.map((card) => (
          <li key={card.key}>
            <Way to={card.href} className="card-line" line>
              <span className="later-title">{title(card)}</span>
              <span className="card-count">{card.count}</span>
              <span className="card-text soft">{card.items.map((item) => title(item)).join(t('comma'))}</span>
              <RightOutlined className="muted" aria-hidden />
            </Way>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What is well lies lower and takes no more room than it needs. */
export function QuietCards({ cards }: { cards: Card[] }) {
  const { t } = useTranslation('home')
  const { title } = useLocalized()
  return (
    <section className="quiet" aria-label={t('quiet')}>
      <CheckCircleOutlined className="quiet-icon" aria-hidden />
      <div className="grow">
        {cards.length === 0 && <div className="quiet-title">{t('nothing')}</div>}
        {cards.map((card) => (
          <div key={card.key}>
            <Way to={card.href} className="quiet-title">
              {title(card)}
            </Way>
            {card.items.map((item, i) => (
              <div key={i} className="soft">
                <Way to={item.href} line>
                  {title(item)}
                </Way>
                {item.at && (
                  <span className="meta">
                    {' '}
                    <Ago value={item.at} />
                  </span>
                )}
              </div>
            ))}
          </div>
        ))}
      </div>
    </section>
  )
}

interface WayProps {
  to: string
  className?: string
  /** One of the lines that j and k walk. */
  line?: boolean
  children: ReactNode
}

/** A link to a page that the server names: whole addresses, so the router's typed paths do not fit. */
function Way({ to, className, line, children }: WayProps) {
  const router = useRouter()
  return (
    <a
      href={to}
      className={className}
      data-line={line || undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
        event.preventDefault()
        void router.navigate({ href: to })
      }}
    >
      {children}
    </a>
  )
}

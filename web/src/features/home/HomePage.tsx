import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useKeys } from '@/shared/lib/keys'
import { usePerm } from '@/shared/lib/perm'
import { formatTime } from '@/shared/lib/time'
import { PageHeader } from '@/shared/ui/PageHeader'
import { RunNow } from '@/shared/ui/RunNow'
import { Empty, StateView } from '@/shared/ui/StateView'
import { CardPanel, LaterCards, QuietCards } from './components/CardPanel'
import { LastRound } from './components/LastRound'
import './home.css'
import { homeQuery, type Card } from './queries'

const gravity: Card['severity'][] = ['critical', 'warning', 'info', 'ok']

/** What needs this person now, the gravest first; and how the last round went. */
export default function HomePage() {
  const { t } = useTranslation('home')
  const query = useQuery(homeQuery)
  const mayInspect = usePerm()('inspect.read')
  const body = useRef<HTMLDivElement>(null)
  const ready = query.data !== undefined

  useEffect(() => {
    // What "the first page can be used" means when it is measured.
    if (ready) performance.mark('taxops:home-ready')
  }, [ready])

  const move = (step: number) => {
    const links = [...(body.current?.querySelectorAll<HTMLElement>('a[data-line]') ?? [])]
    if (links.length === 0) return
    const at = links.indexOf(document.activeElement as HTMLElement)
    const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))
    links[next]!.focus()
  }
  useKeys({ j: () => move(1), k: () => move(-1) })

  return (
    <>
      <PageHeader
        title={t('title')}
        meta={ready && t('asOf', { time: formatTime(query.data.server_time, 'clock') })}
        actions={mayInspect && <RunNow primary keyboard />}
      />
      <div className="stack" ref={body}>
        {mayInspect && <LastRound />}
        <StateView query={query} skeletonRows={8}>
          {(home) => <Cards cards={home.cards} />}
        </StateView>
      </div>
    </>
  )
}

function Cards({ cards }: { cards: Card[] }) {
  const { t } = useTranslation('home')
  const sorted = [...cards].sort((a, b) => gravity.indexOf(a.severity) - gravity.indexOf(b.severity))
  const loud = sorted.filter((card) => card.severity === 'critical' || card.severity === 'warning')
  const later = sorted.filter((card) => card.severity === 'info')
  const asking = loud.length > 0
  const quiet = sorted.filter((card) => card.severity === 'ok')
  if (cards.length === 0) {
    return (
      <div className="panel">
        <Empty text={t('nothing')} hint={t('nothingHint')} />
      </div>
    )
  }
  return (
    <>
      {!asking && <QuietCards cards={quiet} />}
      {loud.length > 0 && (
        <div className="cards">
          {twoColumns(loud).map((column, i) => (
            <div key={i} className="cards-column">
              {column.map(({ card, place }) => (
                <CardPanel key={card.key} card={card} place={place} />
              ))}
            </div>
          ))}
        </div>
      )}
      {later.length > 0 && <LaterCards cards={later} />}
      {asking && quiet.length > 0 && <QuietCards cards={quiet} />}
    </>
  )
}

/** Deals cards into two columns, the next one always where there is more room: no holes beside short cards. */
function twoColumns(cards: Card[]): { card: Card; place: number }[][] {
  const columns: { card: Card; place: number }[][] = [[], []]
  const lines = [0, 0]
  cards.forEach((card, place) => {
    const at = lines[1]! < lines[0]! ? 1 : 0
    columns[at]!.push({ card, place })
    lines[at]! += card.items.length + 2
  })
  return columns.filter((column) => column.length > 0)
}

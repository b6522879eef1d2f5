import { Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Day } from '../queries'

/** Twelve months; each day has its colour, its word, and its marks, so that none is told by colour alone. */
export function YearGrid({ days, today }: { days: Day[]; today: string }) {
  const { t } = useTranslation('calendar')
  const months = Array.from({ length: 12 }, (_, i) => days.filter((d) => Number(d.date.slice(5, 7)) === i + 1))
  const ends = edges(days)
  return (
    <div className="year-grid">
      {months.map((month, i) => (
        <Month key={i} name={t(`month.${i + 1}`)} days={month} today={today} edges={ends} />
      ))}
    </div>
  )
}

/** Monday first, as Chinese calendars have it. */
const column = (date: string) => ((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7) + 1

const isFiling = (day: Day) => day.periods.some((kind) => kind === 'filing' || kind === 'filing_major')
const isOther = (day: Day) => day.periods.some((kind) => kind === 'event' || kind === 'settlement')

/** The days on which a period begins or ends: only these carry its word, the days between its line. */
function edges(days: Day[]): Set<string> {
  const out = new Set<string>()
  days.forEach((day, i) => {
    const around = [days[i - 1], days[i + 1]]
    for (const has of [isFiling, isOther]) {
      if (has(day) && around.some((other) => !other || !has(other) || other.date.slice(0, 7) !== day.date.slice(0, 7)))
        out.add(day.date)
    }
  })
  return out
}

interface MonthProps {
  name: string
  days: Day[]
  today: string
  edges: Set<string>
}

function Month({ name, days, today, edges }: MonthProps) {
  const { t } = useTranslation('calendar')
  return (
    <table className="month">
      <caption>{name}</caption>
      <thead>
        <tr>
          {[1, 2, 3, 4, 5, 6, 7].map((d) => (
            <th key={d} scope="col">
              {t(`weekday.${d}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeks(days).map((week, i) => (
          <tr key={i}>
            {week.map((day, j) => (
              <td key={j}>{day && <DayCell day={day} today={day.date === today} edge={edges.has(day.date)} />}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function weeks(days: Day[]): (Day | undefined)[][] {
  const out: (Day | undefined)[][] = []
  for (const day of days) {
    const at = column(day.date)
    if (out.length === 0 || at === 1) out.push(Array<Day | undefined>(7).fill(undefined))
    out[out.length - 1]![at - 1] = day
  }
  return out
}

function DayCell({ day, today, edge }: { day: Day; today: boolean; edge: boolean }) {
  const { t } = useTranslation('calendar')
  const ordinary = day.layer === '' && day.kind !== 'unpublished'
  const words = [
    day.date,
    t(ordinary && day.kind === 'off' ? 'kind.weekend' : `kind.${day.kind}`),
    day.name,
    ...day.periods.map((kind) => t(`periodKind.${kind}`)),
    day.provisional && t('provisional'),
    today && t('today'),
  ].filter(Boolean)
  const mark = day.kind === 'unpublished' ? '?' : ordinary ? '' : t(`mark.${day.kind}`)
  const filing = isFiling(day)
  const other = isOther(day)
  return (
    <Tooltip title={words.join(' · ')}>
      <div
        className={`day day-${ordinary && day.kind === 'off' ? 'weekend' : day.kind}${today ? ' day-today' : ''}${
          day.provisional ? ' day-provisional' : ''
        }`}
      >
        <span aria-hidden>{Number(day.date.slice(8))}</span>
        {mark && (
          <span className="day-mark" aria-hidden>
            {mark}
          </span>
        )}
        {(filing || other) && (
          <span className={`day-period${other ? ' day-event' : ''}`} aria-hidden>
            {edge && t(other ? 'mark.event' : 'mark.filing')}
          </span>
        )}
        <span className="sr-only">{words.join('，')}</span>
      </div>
    </Tooltip>
  )
}

export function Legend() {
  const { t } = useTranslation('calendar')
  return (
    <ul className="calendar-legend" aria-label={t('legend')}>
      <li>
        <span className="day day-off">
          <span className="day-mark">{t('mark.off')}</span>
        </span>
        {t('kind.off')}
      </li>
      <li>
        <span className="day day-makeup">
          <span className="day-mark">{t('mark.makeup')}</span>
        </span>
        {t('kind.makeup')}
      </li>
      <li>
        <span className="day day-weekend" />
        {t('kind.weekend')}
      </li>
      <li>
        <span className="day day-unpublished">
          <span className="day-mark">?</span>
        </span>
        {t('kind.unpublished')}
      </li>
      <li>
        <span className="day">
          <span className="day-period">{t('mark.filing')}</span>
        </span>
        {t('periodKind.filing')}
      </li>
      <li>
        <span className="day">
          <span className="day-period day-event">{t('mark.event')}</span>
        </span>
        {t('otherPeriods')}
      </li>
      <li>
        <span className="day day-provisional" />
        {t('provisional')}
      </li>
    </ul>
  )
}

import { CopyOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError, newKey } from '@/shared/api/client'
import { useShowError } from '@/shared/lib/errors'
import { useKeys } from '@/shared/lib/keys'
import { usePerm } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { formatTime } from '@/shared/lib/time'
import { copyText } from '@/shared/ui/CopyText'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { DailyFigures } from './components/DailyFigures'
import { DailyFindings } from './components/DailyFindings'
import { DailyItems } from './components/DailyItems'
import './daily.css'
import './inspect.css'
import { dailyListQuery, dailyQuery, module, signDaily } from './queries'
import type { Daily, DailyDetail } from './types'

/** The health check of a day (早检): what is red since the one before, to be noted and signed by keyboard. */
export default function DailyPage() {
  const [search] = useFilters<'day'>()
  const query = useQuery(dailyQuery(search.day))
  return (
    <StateView query={query} skeletonRows={10}>
      {(daily) => <DailyView key={daily.day} daily={daily} />}
    </StateView>
  )
}

const tones: Record<Daily['state'], Tone> = { draft: 'warning', signed: 'ok', missed: 'critical', none: 'absent' }

function DailyView({ daily }: { daily: DailyDetail }) {
  const { t } = useTranslation('inspect')
  const { message } = App.useApp()
  const client = useQueryClient()
  const showError = useShowError()
  const may = usePerm()('inspect.daily.sign')
  const [notes, setNotes] = useState<Record<string, string>>({})
  const [remark, setRemark] = useState('')
  const [busy, setBusy] = useState(false)
  const key = useRef(newKey())
  const open = daily.fingerprint !== ''
  const signable = open && may

  const copy = async (text: string) => {
    if (await copyText(text)) void message.success(t('daily.copied'))
    else void message.warning(t('daily.notCopied'))
  }
  const sign = async () => {
    if (!signable || busy) return
    setBusy(true)
    try {
      const shown = new Set(daily.items.map((item) => item.key))
      const mine = Object.fromEntries(Object.entries(notes).filter(([of]) => shown.has(of)))
      const signed = await signDaily(daily.day, { notes: mine, remark, fingerprint: daily.fingerprint }, key.current)
      void message.success(t('daily.done'))
      await copy(signed.text)
      await client.invalidateQueries({ queryKey: [module] })
    } catch (error) {
      // Something changed meanwhile: the notes stay, the list is asked for again, and the next try is another one.
      key.current = newKey()
      if (error instanceof ApiError && error.problem.code === 'stale') {
        void message.warning(t('daily.changed'))
        await client.invalidateQueries({ queryKey: [module, 'daily'] })
      } else showError(error)
    } finally {
      setBusy(false)
    }
  }
  useKeys({ 'mod+Enter': () => void sign(), c: () => void copy(daily.text) })

  return (
    <>
      <PageHeader
        title={t('daily.title', { day: daily.day })}
        above={
          <>
            <StateTag tone={tones[daily.state]} text={t(`daily.states.${daily.state}`)} />
            {daily.late && <StateTag tone="critical" dot={false} text={t('daily.late')} />}
            <span className="meta">
              {[t(`dayKind.${daily.day_kind}`), ...daily.periods].join(' · ')}
              {daily.state === 'draft' && daily.due_at && ` · ${t('daily.due', { time: formatTime(daily.due_at) })}`}
              {daily.signed_by &&
                ` · ${t('daily.signedBy', { name: daily.signed_by.display_name, time: formatTime(daily.signed_at, 'minute') })}`}
            </span>
          </>
        }
        actions={
          <>
            <Button icon={<CopyOutlined />} onClick={() => void copy(daily.text)} disabled={daily.text === ''}>
              {t('daily.copy')}
            </Button>
            {signable && (
              <Button type="primary" loading={busy} onClick={() => void sign()} title="Ctrl+Enter">
                {t('daily.sign')}
              </Button>
            )}
          </>
        }
      />
      <div className="stack">
        <Days current={daily.day} />
        {daily.state === 'missed' && (
          <Notice tone="critical" title={t('daily.missedTitle', { day: daily.day })}>
            {t('daily.missedBody')}
          </Notice>
        )}
        {daily.state !== 'missed' && (
          <>
            <DailyFigures daily={daily} />
            <section className="panel" aria-label={t('daily.red')}>
              <div className="panel-head">
                <h2 className="panel-title">{t('daily.red')}</h2>
                <span className="meta">{t('daily.redSince', { time: formatTime(daily.since, 'minute') })}</span>
              </div>
              {daily.items.length > 0 ? (
                <DailyItems
                  items={daily.items}
                  notes={notes}
                  editable={signable}
                  remark={remark}
                  onNote={(of, note) => setNotes((old) => ({ ...old, [of]: note }))}
                  onRemark={setRemark}
                />
              ) : (
                <Empty text={t('daily.nothingRed')} />
              )}
              {daily.more > 0 && (
                <p className="panel-body soft">
                  <Link to={'/inspect/checks' as string}>{t('daily.more', { count: daily.more })}</Link>
                </p>
              )}
            </section>
            <DailyFindings daily={daily} />
            <section className="panel" aria-label={t('daily.text')}>
              <div className="panel-head">
                <h2 className="panel-title">{t('daily.text')}</h2>
                <span className="meta">{open ? t('daily.textHelp') : t('daily.textSigned')}</span>
              </div>
              <pre className="daily-text">{daily.text}</pre>
            </section>
          </>
        )}
      </div>
    </>
  )
}

/** The last days, so that a late or missed one is not forgotten. */
function Days({ current }: { current: string }) {
  const { t } = useTranslation('inspect')
  const days = useQuery(dailyListQuery).data ?? []
  if (days.length === 0) return null
  return (
    <nav className="daily-days" aria-label={t('daily.days')}>
      {days.map((day, i) => (
        <Link
          key={day.day}
          to={'/inspect/daily' as string}
          search={(i === 0 && day.state === 'draft' ? {} : { day: day.day }) as never}
          aria-current={day.day === current ? 'page' : undefined}
          className="daily-day"
        >
          <span>{day.day.slice(5)}</span>
          <StateTag
            tone={day.state === 'signed' && !day.late ? 'quiet' : tones[day.state]}
            text={t(`daily.states.${day.state}`) + (day.late && day.state !== 'missed' ? `（${t('daily.late')}）` : '')}
          />
          {day.signed_at && (
            <span className="meta">
              <Ago value={day.signed_at} />
            </span>
          )}
        </Link>
      ))}
    </nav>
  )
}

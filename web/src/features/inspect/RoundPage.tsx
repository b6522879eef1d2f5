import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import { gravityOf, showValue } from '@/shared/lib/measure'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { CopyButton } from '@/shared/ui/CopyText'
import type { Column } from '@/shared/ui/DataTable'
import { ExportButton } from '@/shared/ui/ExportButton'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { RunNow } from '@/shared/ui/RunNow'
import { StateBar } from '@/shared/ui/StateCounts'
import { CheckStateTag, StateTag, checkTone } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { ResultDrawer } from './components/ResultDrawer'
import { KeyValue } from './components/values'
import './inspect.css'
import { roundQuery } from './queries'
import type { RoundDetail, RoundItem } from './types'
import { useReasonText } from './words'

/** One round: how far it is, what it found, the gravest first. */
export default function RoundPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(roundQuery(id))
  return <StateView query={query}>{(round) => <RoundView round={round} />}</StateView>
}

const kinds = ['critical', 'unknown', 'warning', 'ok', 'no_source', 'missed'] as const
type ItemKind = (typeof kinds)[number] | 'planned'

/** Where an item is counted. What has no source is neither good nor bad, so it is a kind of its own. */
function kindOf(item: RoundItem): ItemKind {
  if (item.state === 'missed') return 'missed'
  if (!item.result) return 'planned'
  if (item.result.reason === 'no_source') return 'no_source'
  return item.result.state.toLowerCase() as ItemKind
}

const byGravity = (a: RoundItem, b: RoundItem) => order(a) - order(b)
const order = (item: RoundItem) => (item.state === 'missed' ? 0.5 : gravityOf(item.result?.state, item.result?.reason))

function RoundView({ round }: { round: RoundDetail }) {
  const { t } = useTranslation('inspect')
  const { pick } = useLocalized()
  const reasonText = useReasonText()
  const [search, change] = useFilters<'show' | 'result'>()
  const running = round.state === 'running'
  const counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<ItemKind, number>
  for (const item of round.items) counts[kindOf(item)] = (counts[kindOf(item)] ?? 0) + 1

  const noSource = round.items.filter((item) => kindOf(item) === 'no_source')
  const rest = round.items.filter((item) => kindOf(item) !== 'no_source').sort(byGravity)
  const shown = search.show ? rest.filter((item) => kindOf(item) === search.show) : rest
  const columns = useItemColumns()
  const open = (item: RoundItem) => {
    if (item.result) change({ result: item.result.id })
  }

  return (
    <>
      <PageHeader
        title={round.number}
        above={
          <>
            {running ? (
              <StateTag tone="info" text={t('parts:round.running')} />
            ) : (
              <CheckStateTag state={round.worst_state || null} />
            )}
            <Link to={`/inspect/plans/${round.plan_id}` as string}>{pick(round.plan_name, round.plan_name_en)}</Link>
            <span className="meta">
              {t(`parts:trigger.${round.trigger}`)}
              {round.due_why && ` · ${t(`why.${round.due_why}`)}`}
              {round.started_by && ` · ${round.started_by.display_name}`} ·{' '}
              <Time value={round.started_at} format="full" />
              {round.finished_at && ` · ${t('round.took')} `}
              {round.finished_at && <Took round={round} />}
            </span>
          </>
        }
        actions={
          <>
            <ExportButton name={round.number} path={`/inspect/rounds/${round.id}/export`} />
            {!running && <RunNow plan={{ id: round.plan_id }} primary keyboard />}
          </>
        }
      />
      <div className="stack">
        <section className={`panel big-${running ? 'info' : checkTone(round.worst_state || null)}`}>
          <div className="round-progress" role={running ? 'status' : undefined}>
            {running ? (
              <Progress
                percent={round.planned ? Math.floor((100 * counted(counts)) / round.planned) : 0}
                status="active"
                aria-label={t('parts:round.progress', { ran: counted(counts), planned: round.planned })}
                format={() => `${counted(counts)} / ${round.planned}`}
              />
            ) : (
              <StateBar counts={counts} left={counts.missed} />
            )}
          </div>
          <div className="figures" role="group" aria-label={t('round.results')}>
            {kinds.map((kind) => (
              <Figure
                key={kind}
                kind={kind}
                count={counts[kind] ?? 0}
                pressed={kind === 'no_source' ? undefined : search.show === kind}
                onClick={
                  kind === 'no_source'
                    ? () => document.getElementById('no-source')?.scrollIntoView()
                    : () => change({ show: search.show === kind ? undefined : kind })
                }
              />
            ))}
          </div>
        </section>

        {round.missed > 0 && (
          <Notice tone="warning" title={t('parts:round.missed', { count: round.missed })}>
            {reasonText(round.missed_reason) || t('round.missedHelp')}
          </Notice>
        )}

        <section className="panel">
          {shown.length > 0 ? (
            <LocalTable
              label={t('round.results')}
              rows={shown}
              columns={columns}
              rowKey={(item) => item.check_id}
              onOpen={open}
              openKey={shown.find((item) => item.result?.id === search.result)?.check_id}
              keyboard
              sticky
            />
          ) : (
            <Empty text={search.show ? t('table.emptyFiltered') : t('round.nothing')} />
          )}
        </section>

        {noSource.length > 0 && (
          <details className="panel fold" id="no-source">
            <summary>
              <strong>{t('noSource.title', { count: noSource.length })}</strong>
              <span className="meta grow">{t('noSource.short')}</span>
            </summary>
            <p className="panel-body soft" style={{ paddingBottom: 8 }}>
              {t('noSource.help')}
            </p>
            <LocalTable
              label={t('check.no_source')}
              rows={noSource}
              columns={columns}
              rowKey={(item) => item.check_id}
              onOpen={open}
            />
          </details>
        )}
        {round.tree_root && (
          <div className="panel panel-body row">
            <span className="meta" title={t('round.treeHelp')}>
              {t('round.tree')}
            </span>
            <code className="grow break">{round.tree_root}</code>
            <CopyButton text={round.tree_root} />
            <Can perm="journal.read">
              <Link to={'/journal' as string} search={{ subject_kind: 'inspect.round', subject_id: round.id } as never}>
                {t('trail')}
              </Link>
            </Can>
          </div>
        )}
      </div>
      <ResultDrawer id={search.result} onClose={() => change({ result: undefined })} />
      <span className="sr-only" aria-live="polite">
        {running ? '' : `${round.number} ${t('parts:round.finished')}`}
      </span>
    </>
  )
}

const counted = (counts: Record<ItemKind, number>) => kinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0)

function Took({ round }: { round: RoundDetail }) {
  const { english } = useLocalized()
  return <>{showValue((Date.parse(round.finished_at!) - Date.parse(round.started_at)) / 1000, 's', english)}</>
}

interface FigureProps {
  kind: (typeof kinds)[number]
  count: number
  pressed?: boolean
  onClick: () => void
}

function Figure({ kind, count, pressed, onClick }: FigureProps) {
  const { t } = useTranslation('inspect')
  const word = kind === 'missed' ? t('round.missed') : t(`check.${kind === 'no_source' ? kind : kind.toUpperCase()}`)
  const tone = kind === 'missed' ? 'warning' : kind
  return (
    <button
      type="button"
      className={`figure figure-${tone}${count === 0 ? ' figure-zero' : ''}`}
      aria-pressed={pressed}
      disabled={count === 0 && !pressed}
      onClick={onClick}
    >
      <span className="figure-name">{word}</span>
      <span className="figure-value">{count}</span>
    </button>
  )
}

function useItemColumns(): Column<RoundItem>[] {
  const { t } = useTranslation('inspect')
  const { title, english } = useLocalized()
  const reasonText = useReasonText()
  return [
    {
      key: 'state',
      title: t('col.state'),
      width: 104,
      render: (item) =>
        item.state === 'missed' ? (
          <StateTag tone="warning" text={t('round.missed')} />
        ) : item.result ? (
          <CheckStateTag state={item.result.state} reason={item.result.reason} />
        ) : (
          <StateTag tone="absent" text={t('round.waiting')} />
        ),
    },
    {
      key: 'check',
      title: t('col.check'),
      width: 260,
      ellipsis: true,
      render: (item) => (
        <Link to={`/inspect/checks/${item.check_id}` as string}>
          {title(item)}
          {item.target && <span className="mono check-target"> {item.target}</span>}
        </Link>
      ),
    },
    {
      key: 'value',
      title: t('col.value'),
      width: 140,
      render: (item) => <KeyValue perfdata={item.result?.perfdata} />,
    },
    {
      key: 'summary',
      title: t('col.summary'),
      width: 320,
      ellipsis: true,
      render: (item) => <span className="soft">{item.result?.summary ?? reasonText(item.missed_reason)}</span>,
    },
    {
      key: 'class',
      title: t('col.class'),
      width: 130,
      ellipsis: true,
      render: (item) => <span className="soft">{t(`parts:class.${item.class}`)}</span>,
    },
    {
      key: 'asset',
      title: t('col.asset'),
      width: 120,
      ellipsis: true,
      render: (item) => item.asset_name,
    },
    {
      key: 'took',
      title: t('round.took'),
      width: 90,
      align: 'right',
      render: (item) => (
        <span className="soft">{item.result ? showValue(item.result.duration_ms / 1000, 's', english) : '—'}</span>
      ),
    },
  ]
}

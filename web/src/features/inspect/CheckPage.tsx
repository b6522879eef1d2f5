import { EditOutlined, ExperimentOutlined, MoreOutlined } from '@ant-design/icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { App, Button, Drawer, Dropdown } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import type { Check } from '@/shared/api/inspect'
import { useShowError } from '@/shared/lib/errors'
import { useLocalized } from '@/shared/lib/localized'
import { rangeWords, showValue } from '@/shared/lib/measure'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateView } from '@/shared/ui/StateView'
import { CheckStateTag, StateTag, checkTone } from '@/shared/ui/StateTag'
import { Elapsed } from '@/shared/ui/Elapsed'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { CheckForm, KindHelp } from './components/CheckForm'
import { ExemptionPanel, ExemptionTag } from './components/ExemptionPanel'
import { HistoryPanel } from './components/HistoryPanel'
import { ResultBody, ResultDrawer } from './components/ResultDrawer'
import { ThresholdPanel } from './components/ThresholdPanel'
import { KeyValue, ValueTable } from './components/values'
import './inspect.css'
import { changeCheck, checkQuery, fetchResults, keys, kindsQuery, module, tryCheck } from './queries'
import type { Kind, Result } from './types'
import { useMetricName, useReasonText } from './words'

/** One check: what it says now, how that went, what it was told. */
export default function CheckPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(checkQuery(id))
  return <StateView query={query}>{(check) => <CheckView check={check} />}</StateView>
}

function CheckView({ check }: { check: Check }) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const [search, change] = useFilters<'result'>()
  const kind = useQuery(kindsQuery).data?.find((k) => k.kind === check.kind)
  return (
    <>
      <PageHeader
        title={[title(check), check.target].filter(Boolean).join(' ')}
        above={
          <>
            <StateTag tone="neutral" dot={false} text={t(`parts:class.${check.class}`)} />
            <Link to={`/fleet/assets/${check.asset_id}` as string}>{check.asset_name}</Link>
            {!check.enabled && <StateTag tone="absent" text={t('check.disabled')} />}
            <ExemptionTag check={check} />
          </>
        }
        actions={<CheckActions check={check} />}
      />
      <div className="split">
        <div className="stack">
          <BigState check={check} />
          {check.current && check.current.perfdata.length > 0 && (
            <section className="panel" aria-label={t('value.title')}>
              <ValueTable perfdata={check.current.perfdata} />
            </section>
          )}
          <HistoryPanel checkId={check.id} />
          <Results checkId={check.id} open={search.result} onOpen={(id) => change({ result: id })} />
        </div>
        <CheckFacts check={check} kind={kind} />
      </div>
      <ResultDrawer id={search.result} onClose={() => change({ result: undefined })} />
    </>
  )
}

function BigState({ check }: { check: Check }) {
  const { t } = useTranslation('inspect')
  const reasonText = useReasonText()
  const now = check.current
  const tone = checkTone(now?.state, now?.reason)
  const noSource = now?.reason === 'no_source'
  const word = !now ? 'none' : noSource ? 'no_source' : now.state
  return (
    <section className={`panel big-state big-${tone}`} aria-label={t('col.state')}>
      <div>
        <div className="big-state-word">{t(`check.${word}`)}</div>
        {now && (
          <div className="meta">
            {t('check.sinceText')} <Elapsed since={now.since} />
          </div>
        )}
      </div>
      <div className="stack" style={{ gap: 6 }}>
        <div className="big-state-text">{now ? now.summary : t('check.neverRan')}</div>
        <div className="meta">
          {now?.reason && `${reasonText(now.reason)} · `}
          {now && (
            <>
              {t('check.ranText')} <Time value={now.ran_at} format="full" />
            </>
          )}
        </div>
        {noSource && <div className="meta">{t('noSource.help')}</div>}
        {check.open_finding_id && (
          <div>
            <Link to={`/inspect/findings/${check.open_finding_id}` as string}>{t('check.openFinding')}</Link>
          </div>
        )}
      </div>
    </section>
  )
}

function CheckActions({ check }: { check: Check }) {
  const { t } = useTranslation('inspect')
  const { message } = App.useApp()
  const client = useQueryClient()
  const showError = useShowError()
  const [editing, setEditing] = useState(false)
  const [switching, setSwitching] = useState(false)
  const attempt = useMutation({ mutationFn: () => tryCheck(check.id), onError: showError })
  return (
    <>
      <Can perm="inspect.run">
        <Button icon={<ExperimentOutlined />} loading={attempt.isPending} onClick={() => attempt.mutate()}>
          {t('check.try')}
        </Button>
      </Can>
      <Can perm="inspect.manage">
        <Button icon={<EditOutlined />} onClick={() => setEditing(true)}>
          {t('actions.edit')}
        </Button>
        <Dropdown
          trigger={['click']}
          menu={{
            items: [
              {
                key: 'switch',
                label: check.enabled ? t('check.disable') : t('check.enable'),
                danger: check.enabled,
                onClick: () => setSwitching(true),
              },
            ],
          }}
        >
          <Button icon={<MoreOutlined />} aria-label={t('actions.more')} />
        </Dropdown>
      </Can>
      <Drawer
        open={attempt.data !== undefined}
        onClose={() => attempt.reset()}
        size={620}
        title={t('check.tryTitle')}
        extra={
          <Button loading={attempt.isPending} onClick={() => attempt.mutate()}>
            {t('check.tryAgain')}
          </Button>
        }
      >
        {attempt.data && (
          <div className="stack">
            <Notice>{t('check.tryNote')}</Notice>
            <ResultBody result={attempt.data} />
          </div>
        )}
      </Drawer>
      <CheckForm
        open={editing}
        check={check}
        onClose={() => setEditing(false)}
        onSaved={() => void message.success(t('check.saved'))}
      />
      <ReasonModal
        open={switching}
        title={check.enabled ? t('check.disableTitle') : t('check.enableTitle')}
        body={check.enabled ? t('check.disableBody') : undefined}
        okText={check.enabled ? t('check.disable') : t('check.enable')}
        danger={check.enabled}
        onOk={async (reason) => {
          await changeCheck(check.id, { enabled: !check.enabled, reason, version: check.version })
          void message.success(t('check.saved'))
          await client.invalidateQueries({ queryKey: [module] })
        }}
        onClose={() => setSwitching(false)}
      />
    </>
  )
}

function Results({ checkId, open, onOpen }: { checkId: string; open?: string; onOpen: (id: string) => void }) {
  const { t } = useTranslation('inspect')
  const [fixed] = useState({ check_id: checkId })
  const columns: Column<Result>[] = [
    {
      key: 'state',
      title: t('col.state'),
      width: 90,
      render: (r) => <CheckStateTag state={r.state} reason={r.reason} />,
    },
    {
      key: 'at',
      title: t('col.ranAt'),
      width: 150,
      sort: 'ran_at',
      render: (r) => <Time value={r.ran_at} format="full" />,
    },
    {
      key: 'value',
      title: t('col.value'),
      width: 140,
      render: (r) => <KeyValue perfdata={r.perfdata} />,
    },
    {
      key: 'summary',
      title: t('col.summary'),
      width: 380,
      ellipsis: true,
      render: (r) => <span className="soft">{r.summary}</span>,
    },
  ]
  return (
    <DataTable<Result>
      queryKey={[...keys.results, checkId]}
      fetch={fetchResults}
      columns={columns}
      rowKey={(r) => r.id}
      fixed={fixed}
      filterKeys={['state']}
      pageSize={20}
      exportPath="/inspect/results/export"
      onOpen={(r) => onOpen(r.id)}
      openKey={open}
      filters={
        <>
          <h2 className="panel-title bar-title">{t('result.recent')}</h2>
          <FilterSelect
            name="state"
            label={t('col.state')}
            options={(['CRITICAL', 'UNKNOWN', 'WARNING', 'OK'] as const).map((state) => ({
              value: state,
              label: t(`check.${state}`),
            }))}
          />
        </>
      }
    />
  )
}

function CheckFacts({ check, kind }: { check: Check; kind?: Kind }) {
  const { t } = useTranslation('inspect')
  const { title, help, english } = useLocalized()
  const { areaName, systemName } = useOrgNames()
  const metricName = useMetricName()
  return (
    <aside className="stack">
      <section className="panel panel-body stack">
        <h2 className="panel-title">{t('check.settings')}</h2>
        <dl className="facts-narrow">
          {(kind?.params ?? []).map((spec) => (
            <div key={spec.name}>
              <dt>{title(spec) || spec.name}</dt>
              <dd className="mono">
                {spec.secret
                  ? t(check.secrets_set.includes(spec.name) ? 'param.hidden' : 'param.notSet')
                  : paramText(check.params[spec.name], t)}
              </dd>
            </div>
          ))}
          {(kind?.thresholds ?? []).map((spec) => {
            const show = (n: number) => showValue(n, spec.unit, english)
            const warn = check.warn?.[spec.metric] ?? spec.warn
            const crit = check.crit?.[spec.metric] ?? spec.crit
            return (
              <div key={spec.metric}>
                <dt title={spec.metric}>{metricName(spec.metric)}</dt>
                <dd>
                  {t('check.WARNING')} {rangeWords(warn, show) || t('threshold.never')} · {t('check.CRITICAL')}{' '}
                  {rangeWords(crit, show) || t('threshold.never')}
                </dd>
              </div>
            )
          })}
          {check.why && (
            <div>
              <dt>{t(`origin.${check.origin}`)}</dt>
              <dd>{check.why}</dd>
            </div>
          )}
          <div>
            <dt>{t('col.place')}</dt>
            <dd>
              {areaName(check.area_path)}
              {check.system_id && ` · ${systemName(check.system_id)}`}
            </dd>
          </div>
        </dl>
        <Can perm="journal.read">
          <Link to={'/journal' as string} search={{ subject_kind: 'inspect.check', subject_id: check.id } as never}>
            {t('trail')}
          </Link>
        </Can>
      </section>
      <ExemptionPanel check={check} />
      {kind && <ThresholdPanel check={check} kind={kind} />}
      {kind && (
        <section className="panel panel-body stack">
          <h2 className="panel-title">{t('check.about')}</h2>
          <KindHelp kind={kind} text={help(kind)} plain />
        </section>
      )}
    </aside>
  )
}

function paramText(value: unknown, t: (key: string) => string): string {
  if (value === undefined || value === null || value === '') return '—'
  if (typeof value === 'boolean') return value ? t('param.yes') : t('param.no')
  return Array.isArray(value) ? value.join(', ') : String(value)
}

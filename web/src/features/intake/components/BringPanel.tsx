import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { App, Button, Checkbox } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useErrorText } from '@/shared/lib/errors'
import { useLocalized } from '@/shared/lib/localized'
import { useFilters } from '@/shared/lib/search'
import { CountTabs } from '@/shared/ui/CountTabs'
import type { Column } from '@/shared/ui/DataTable'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { applyRun, module, partsQuery, previewQuery, type Part, type Parts, type RunDetail } from '../queries'
import { usePreviewColumns } from './PreviewPanel'

const pageSize = 50

/** What Zabbix or a folder of scripts brings: hosts that become assets, and the parts that go along. */
export function BringPanel({ run }: { run: RunDetail }) {
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const parts = useQuery({
    ...partsQuery(run.id, run.version, {}, 0, 1),
  })
  return (
    <StateView query={parts}>
      {(all) => (
        <div className="stack">
          {all.notes.length > 0 && <Notes parts={all} />}
          {run.source === 'zabbix' && <Hosts run={run} />}
          <PartsTable run={run} counts={all.counts} left={left} onLeave={setLeft} />
          <Apply run={run} parts={all} left={left} />
        </div>
      )}
    </StateView>
  )
}

function Notes({ parts }: { parts: Parts }) {
  const { t } = useTranslation('intake')
  const missing = parts.notes.filter((n) => n.code === 'missing_template')
  const maintenances = parts.notes.filter((n) => n.code === 'maintenance')
  return (
    <>
      {missing.length > 0 && (
        <Notice tone="warning" title={t('bring.missing', { n: missing.length })}>
          {missing.map((n) => n.text).join('、')}
        </Notice>
      )}
      {maintenances.length > 0 && (
        <Notice tone="info" title={t('bring.maintenances', { n: maintenances.length })}>
          {maintenances.slice(0, 10).map((n) => (
            <div key={n.text}>{n.text}</div>
          ))}
        </Notice>
      )}
    </>
  )
}

/** The hosts, conflicts first: what of them is a new asset, which one is there already. */
function Hosts({ run }: { run: RunDetail }) {
  const { t } = useTranslation('intake')
  const [search] = useFilters<'outcome'>()
  const [after, setAfter] = useState<number[]>([])
  const query = useQuery({
    ...previewQuery(run.id, run.version, search.outcome ?? '', after.at(-1) ?? 0),
    placeholderData: keepPreviousData,
  })
  const columns = usePreviewColumns()
  return (
    <StateView query={query}>
      {(preview) => (
        <section className="panel data-table" aria-label={t('bring.hosts')}>
          <h2 className="panel-title panel-body">{t('bring.hosts')}</h2>
          <CountTabs
            name="outcome"
            label={t('bring.hosts')}
            tabs={[
              { value: '', label: t('preview.all'), count: run.rows },
              ...(['conflict', 'new', 'changed', 'same'] as const).map((o) => ({
                value: o,
                label: t(`outcome.${o}`),
                count: preview.counts[o] ?? 0,
              })),
            ]}
          />
          {preview.rows.length === 0 ? (
            <Empty text={t('preview.none')} />
          ) : (
            <LocalTable label={t('bring.hosts')} rows={preview.rows} rowKey={(r) => String(r.line)} columns={columns} />
          )}
          {(after.length > 0 || preview.next > 0) && (
            <div className="row panel-body">
              <Button disabled={after.length === 0} onClick={() => setAfter(after.slice(0, -1))}>
                {t('common:table.prev')}
              </Button>
              <Button disabled={preview.next === 0} onClick={() => setAfter([...after, preview.next])}>
                {t('common:table.next')}
              </Button>
            </div>
          )}
        </section>
      )}
    </StateView>
  )
}

const fidelityTones: Record<Part['fidelity'], Tone> = { exact: 'ok', near: 'warning', none: 'critical' }

interface TableProps {
  run: RunDetail
  counts: Record<string, number>
  left: ReadonlySet<string>
  onLeave: (left: ReadonlySet<string>) => void
}

function PartsTable({ run, counts, left, onLeave }: TableProps) {
  const { t } = useTranslation('intake')
  const { title } = useLocalized()
  const [search] = useFilters<'fidelity' | 'kind'>()
  const [page, setPage] = useState(0)
  const filter = { fidelity: search.fidelity, kind: search.kind }
  const query = useQuery({
    ...partsQuery(run.id, run.version, filter, page * pageSize, pageSize),
    placeholderData: keepPreviousData,
  })
  const leave = (id: string, out: boolean) => {
    const next = new Set(left)
    if (out) next.add(id)
    else next.delete(id)
    onLeave(next)
  }
  const columns: Column<Part>[] = [
    {
      key: 'take',
      title: t('bring.take'),
      width: 64,
      render: (p) =>
        p.outcome === 'new' && (
          <Checkbox
            aria-label={t('bring.takeThis', { name: p.title })}
            checked={!left.has(p.id)}
            onChange={(event) => leave(p.id, !event.target.checked)}
          />
        ),
    },
    {
      key: 'fidelity',
      title: t('bring.fidelity'),
      width: 96,
      render: (p) => <StateTag tone={fidelityTones[p.fidelity]} text={t(`fidelity.${p.fidelity}`)} />,
    },
    { key: 'kind', title: t('bring.kind'), width: 90, render: (p) => t(`part.${p.kind}`) },
    { key: 'name', title: t('bring.name'), width: 190, ellipsis: true, render: (p) => p.name },
    {
      key: 'what',
      title: t('bring.what'),
      width: 340,
      render: (p) => (
        <div className="stack" style={{ gap: 2 }}>
          <span>{title({ title_zh: p.title_zh, title_en: p.title_en }) || p.title}</span>
          {p.detail && <span className="mono meta">{p.detail}</span>}
          {p.from.length > 0 && <span className="meta">← {p.from.join('；')}</span>}
        </div>
      ),
    },
    {
      key: 'why',
      title: t('bring.why'),
      width: 320,
      render: (p) => (
        <div className="stack" style={{ gap: 2 }}>
          {p.why.map((w) => (
            <span key={w}>{t(`partWhy.${w}`, { defaultValue: w })}</span>
          ))}
          {p.outcome === 'same' && <span className="muted">{t('bring.same')}</span>}
          {p.outcome === 'blocked' && (
            <span className="intake-fault">{t(`blocked.${p.says}`, { defaultValue: p.says })}</span>
          )}
          {p.off && <span className="soft">{t(`off.${p.off}`)}</span>}
        </div>
      ),
    },
  ]
  const sum = (...names: string[]) => names.reduce((n, name) => n + (counts[name] ?? 0), 0)
  return (
    <StateView query={query}>
      {(parts) => (
        <section className="panel data-table" aria-label={t('bring.parts')}>
          <h2 className="panel-title panel-body">
            {t(run.source === 'zabbix' ? 'bring.checks' : 'bring.scriptsParts')}
          </h2>
          <CountTabs
            name="fidelity"
            label={t('bring.fidelity')}
            tabs={[
              { value: '', label: t('preview.all') },
              ...(['none', 'near', 'exact'] as const).map((f) => ({
                value: f,
                label: t(`fidelity.${f}`),
                count: sum(`fidelity.${f}`),
              })),
            ]}
          />
          {parts.items.length === 0 ? (
            <Empty text={t('bring.nothing')} />
          ) : (
            <LocalTable<Part>
              label={t('bring.parts')}
              rows={parts.items}
              rowKey={(p) => p.id}
              columns={columns}
              keyboard
            />
          )}
          {parts.total > pageSize && (
            <div className="row panel-body">
              <Button disabled={page === 0} onClick={() => setPage(page - 1)}>
                {t('common:table.prev')}
              </Button>
              <Button disabled={(page + 1) * pageSize >= parts.total} onClick={() => setPage(page + 1)}>
                {t('common:table.next')}
              </Button>
            </div>
          )}
        </section>
      )}
    </StateView>
  )
}

function Apply({ run, parts, left }: { run: RunDetail; parts: Parts; left: ReadonlySet<string> }) {
  const { t } = useTranslation('intake')
  const { message } = App.useApp()
  const client = useQueryClient()
  const errorText = useErrorText()
  const preview = useQuery(previewQuery(run.id, run.version, '', 0))
  const [skip, setSkip] = useState(false)
  const [exact, setExact] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const conflicts = preview.data?.counts.conflict ?? 0
  const assets = (preview.data?.counts.new ?? 0) + (preview.data?.counts.changed ?? 0)
  const fresh = (parts.counts['check.new'] ?? 0) + (parts.counts['script.new'] ?? 0) + (parts.counts['plan.new'] ?? 0)
  const apply = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      await applyRun(run.id, {
        digest: parts.digest,
        skip_conflicts: skip,
        version: run.version,
        only_exact: exact,
        leave_parts: [...left],
      })
      void message.success(t('applied'))
      await client.invalidateQueries()
    } catch (error) {
      setFailure(errorText(error))
      await client.invalidateQueries({ queryKey: [module] })
    } finally {
      setBusy(false)
    }
  }
  return (
    <section className="panel panel-body stack">
      {failure && <Notice tone="critical">{failure}</Notice>}
      {conflicts > 0 && (
        <Notice tone="warning" title={t('preview.conflicts', { n: conflicts })}>
          <Checkbox checked={skip} onChange={(event) => setSkip(event.target.checked)}>
            {t('preview.skip')}
          </Checkbox>
        </Notice>
      )}
      {run.source === 'zabbix' && (
        <Checkbox checked={exact} onChange={(event) => setExact(event.target.checked)}>
          {t('bring.onlyExact')}
        </Checkbox>
      )}
      <div className="row">
        <Button
          type="primary"
          loading={busy}
          disabled={(assets === 0 && fresh === 0) || (conflicts > 0 && !skip)}
          onClick={() => void apply()}
        >
          {t(run.source === 'zabbix' ? 'bring.applyZabbix' : 'bring.applyScripts', {
            assets,
            parts: fresh - left.size,
          })}
        </Button>
        <span className="meta">{t(run.source === 'zabbix' ? 'bring.applyZabbixHelp' : 'bring.applyScriptsHelp')}</span>
      </div>
    </section>
  )
}

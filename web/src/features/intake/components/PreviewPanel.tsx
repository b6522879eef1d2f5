import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button, Checkbox } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { useFieldErrorText, useErrorText } from '@/shared/lib/errors'
import { useFilters } from '@/shared/lib/search'
import type { Column } from '@/shared/ui/DataTable'
import { CountTabs } from '@/shared/ui/CountTabs'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { Empty, StateView } from '@/shared/ui/StateView'
import {
  applyRun,
  fieldsQuery,
  module,
  outcomes,
  previewQuery,
  type Preview,
  type PreviewRow,
  type RunDetail,
} from '../queries'
import { OutcomeTag } from '../words'
import { useLocalized } from '@/shared/lib/localized'

/** Third step: what would change, conflicts first; then it is applied whole. */
export function PreviewPanel({ run }: { run: RunDetail }) {
  const [search] = useFilters<'outcome'>()
  const [after, setAfter] = useState<number[]>([])
  const outcome = search.outcome ?? ''
  const at = after.at(-1) ?? 0
  const query = useQuery(previewQuery(run.id, run.version, outcome, at))
  return (
    <StateView query={query}>
      {(preview) => (
        <PreviewTable
          run={run}
          preview={preview}
          onNext={() => setAfter([...after, preview.next])}
          onBack={after.length > 0 ? () => setAfter(after.slice(0, -1)) : undefined}
        />
      )}
    </StateView>
  )
}

interface Props {
  run: RunDetail
  preview: Preview
  onNext: () => void
  onBack?: () => void
}

function PreviewTable({ run, preview, onNext, onBack }: Props) {
  const { t } = useTranslation('intake')
  const { message } = App.useApp()
  const client = useQueryClient()
  const errorText = useErrorText()
  const [skip, setSkip] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const { counts } = preview
  const conflicts = counts.conflict ?? 0
  const changing = (counts.new ?? 0) + (counts.changed ?? 0)
  const apply = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      await applyRun(run.id, { digest: preview.digest, skip_conflicts: skip, version: run.version })
      void message.success(t('applied'))
      await client.invalidateQueries()
    } catch (error) {
      setFailure(errorText(error))
      await client.invalidateQueries({ queryKey: [module] })
    } finally {
      setBusy(false)
    }
  }
  const columns = usePreviewColumns()
  return (
    <section className="panel data-table" aria-label={t('preview.title')}>
      <CountTabs
        name="outcome"
        label={t('preview.title')}
        tabs={[
          { value: '', label: t('preview.all'), count: run.rows },
          ...outcomes.map((o) => ({ value: o, label: t(`outcome.${o}`), count: counts[o] ?? 0 })),
        ]}
      />
      {preview.rows.length === 0 ? (
        <Empty text={t('preview.none')} />
      ) : (
        <LocalTable<PreviewRow>
          label={t('preview.title')}
          rows={preview.rows}
          rowKey={(r) => String(r.line)}
          columns={columns}
          keyboard
        />
      )}
      <div className="panel-body stack">
        {(onBack || preview.next > 0) && (
          <div className="row">
            <Button disabled={!onBack} onClick={onBack}>
              {t('common:table.prev')}
            </Button>
            <Button disabled={preview.next === 0} onClick={onNext}>
              {t('common:table.next')}
            </Button>
          </div>
        )}
        {failure && <Notice tone="critical">{failure}</Notice>}
        {conflicts > 0 && (
          <Notice tone="warning" title={t('preview.conflicts', { n: conflicts })}>
            <Checkbox checked={skip} onChange={(event) => setSkip(event.target.checked)}>
              {t('preview.skip')}
            </Checkbox>
          </Notice>
        )}
        <div className="row">
          <Button
            type="primary"
            loading={busy}
            disabled={changing === 0 || (conflicts > 0 && !skip)}
            onClick={() => void apply()}
          >
            {t('preview.apply', { n: changing })}
          </Button>
          <span className="meta">{changing === 0 ? t('preview.nothing') : t('preview.applyHelp')}</span>
        </div>
      </div>
    </section>
  )
}

/** Words for what a field is called and how its value reads. */
export function useFieldWords() {
  const { t } = useTranslation('intake')
  const { title } = useLocalized()
  const { areaName, systemName } = useOrgNames()
  const fields = useQuery(fieldsQuery).data ?? []
  const name = (field: string) => {
    if (field.startsWith('label:')) return t('labelNamed', { key: field.slice(6) })
    const known = fields.find((f) => f.name === field)
    return known ? title(known) : field
  }
  const value = (field: string, text: string) => {
    if (!text) return '—'
    switch (field) {
      case 'area':
        return areaName(text)
      case 'system':
        return systemName(text)
      case 'kind':
        return t(`parts:assetKind.${text}`)
      case 'environment':
      case 'criticality':
      case 'reach':
        return t(`parts:${field}.${text}`)
      default:
        return text
    }
  }
  return { name, value }
}

/** What would become of a row, in words. */
export function usePreviewColumns(): Column<PreviewRow>[] {
  const { t } = useTranslation('intake')
  const fault = useFieldErrorText()
  const words = useFieldWords()
  return [
    {
      key: 'line',
      title: t('col.line'),
      width: 70,
      align: 'right',
      render: (r) => <span className="mono soft">{r.line}</span>,
    },
    { key: 'outcome', title: t('col.outcome'), width: 90, render: (r) => <OutcomeTag outcome={r.outcome} /> },
    {
      key: 'name',
      title: t('col.asset'),
      width: 220,
      render: (r) => (
        <>
          {r.asset_id ? <Link to={`/fleet/assets/${r.asset_id}` as string}>{r.name}</Link> : r.name || '—'}{' '}
          <span className="mono meta">{r.number}</span>
        </>
      ),
    },
    {
      key: 'what',
      title: t('col.what'),
      width: 620,
      render: (r) => (
        <div className="stack" style={{ gap: 2 }}>
          {r.faults.map((f, i) => (
            <span key={i} className="intake-fault">
              {f.column && (
                <span className="mono">
                  {f.column}
                  {r.line}{' '}
                </span>
              )}
              {words.name(f.field)}
              {f.value && ` “${f.value}”`}：{fault(f.code, f.says)}
              {['twice', 'contradiction', 'ambiguous'].includes(f.code) && <span className="meta"> {f.says}</span>}
            </span>
          ))}
          {r.outcome === 'changed' &&
            r.changes.map((c) => (
              <span key={c.field}>
                <span className="soft">{words.name(c.field)}</span>{' '}
                <del className="muted">{words.value(c.field, c.before)}</del> → {words.value(c.field, c.after)}
              </span>
            ))}
          {r.outcome === 'new' && (
            <span className="intake-values">
              {r.changes.map((c) => (
                <span key={c.field}>
                  <span className="soft">{words.name(c.field)}</span> {words.value(c.field, c.after)}
                </span>
              ))}
            </span>
          )}
          {r.outcome === 'same' && <span className="muted">{t('preview.same')}</span>}
        </div>
      ),
    },
  ]
}

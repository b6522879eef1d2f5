import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { App, Button, Steps } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '@/shared/lib/action'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { BringPanel } from './components/BringPanel'
import { BroughtTable } from './components/BroughtTable'
import { MappingPanel } from './components/MappingPanel'
import { PreviewPanel } from './components/PreviewPanel'
import { discardRun, module, outcomes, runQuery, stepsQuery, undoRun, type RunDetail, type Step } from './queries'
import './intake.css'
import { RunState } from './words'

/** One import, step by step: columns, preview, applied; and back. */
export default function RunPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(runQuery(id))
  return <StateView query={query}>{(run) => <RunView key={run.id} run={run} />}</StateView>
}

function RunView({ run }: { run: RunDetail }) {
  const { t } = useTranslation('intake')
  const { message } = App.useApp()
  const client = useQueryClient()
  const [step, setStep] = useState<1 | 2>(1)
  const [undoing, setUndoing] = useState(false)
  const discard = useAction(() => discardRun(run.id, { version: run.version }), { module, success: t('discarded') })
  const parsed = run.state === 'parsed'
  const assets = run.source === 'assets'
  const open = parsed && (run.columns.length > 0 || run.source === 'scripts')
  return (
    <>
      <PageHeader
        title={run.file_name || run.number}
        above={
          <>
            <RunState state={run.state} />
            <span className="mono soft">{run.number}</span>
          </>
        }
        actions={
          <>
            {parsed && (
              <Button loading={discard.isPending} onClick={() => discard.mutate()}>
                {t('discard')}
              </Button>
            )}
            {run.state === 'applied' && (
              <Button danger onClick={() => setUndoing(true)}>
                {t('undo.button')}
              </Button>
            )}
          </>
        }
      />
      <div className="stack">
        {parsed && assets && (
          <section className="panel panel-body">
            <Steps
              size="small"
              current={step}
              onChange={(next) => open && (next === 1 || next === 2) && setStep(next)}
              items={[
                { title: t('step.upload') },
                { title: t('step.mapping') },
                { title: t('step.preview') },
                { title: t('step.apply'), disabled: true },
              ]}
            />
          </section>
        )}
        {parsed && !open && <Notice tone="warning">{t('tooOld')}</Notice>}
        {open && !assets && <BringPanel run={run} />}
        {open && assets && step === 1 && <MappingPanel key={run.version} run={run} onSaved={() => setStep(2)} />}
        {open && assets && step === 2 && <PreviewPanel run={run} />}
        {!parsed && <Outcome run={run} />}
      </div>
      <ReasonModal
        open={undoing}
        title={t('undo.title', { number: run.number })}
        body={t('undo.body')}
        okText={t('undo.button')}
        danger
        onOk={async (reason) => {
          await undoRun(run.id, { reason, version: run.version })
          void message.success(t('undo.done'))
          await client.invalidateQueries()
        }}
        onClose={() => setUndoing(false)}
      />
    </>
  )
}

function Outcome({ run }: { run: RunDetail }) {
  const { t } = useTranslation('intake')
  const steps = useQuery({ ...stepsQuery(run.id, run.version), enabled: run.state !== 'discarded' })
  return (
    <div className="split">
      <div className="stack">
        {run.source !== 'assets' && run.state !== 'discarded' && <BroughtTable run={run} />}
        <StateView query={steps}>
          {(all) =>
            all.length === 0 && run.source === 'scripts' ? null : (
              <section className="panel" aria-label={t('steps.title')}>
                <LocalTable<Step>
                  label={t('steps.title')}
                  rows={all}
                  rowKey={(s) => String(s.line)}
                  keyboard
                  columns={[
                    { key: 'line', title: t('col.line'), width: 70, align: 'right', render: (s) => s.line },
                    {
                      key: 'what',
                      title: t('col.outcome'),
                      width: 110,
                      render: (s) => (
                        <StateTag
                          tone={s.added ? 'info' : 'warning'}
                          text={t(s.added ? 'outcome.new' : 'outcome.changed')}
                        />
                      ),
                    },
                    {
                      key: 'asset',
                      title: t('col.asset'),
                      width: 320,
                      render: (s) => (
                        <>
                          <Link to={`/fleet/assets/${s.asset_id}` as string}>{s.name}</Link>{' '}
                          <span className="mono meta">{s.number}</span>
                        </>
                      ),
                    },
                    {
                      key: 'left',
                      title: t('steps.undo'),
                      width: 300,
                      render: (s) =>
                        run.state !== 'undone' ? (
                          '—'
                        ) : s.left ? (
                          <StateTag tone="warning" text={t(`left.${s.left}`)} />
                        ) : (
                          t('steps.back')
                        ),
                    },
                  ]}
                />
              </section>
            )
          }
        </StateView>
      </div>
      <aside className="panel panel-body stack">
        <h2 className="panel-title">{t('facts')}</h2>
        <dl className="facts-narrow">
          {(run.source === 'scripts' ? [] : outcomes).map((o) => (
            <div key={o}>
              <dt>{t(`outcome.${o}`)}</dt>
              <dd>{run.counts[o] ?? 0}</dd>
            </div>
          ))}
          {run.applied_at && (
            <div>
              <dt>{t('appliedBy')}</dt>
              <dd>
                {run.applied_by_name || t('commandLine')} · <Time value={run.applied_at} format="full" />
              </dd>
            </div>
          )}
          {run.undone_at && (
            <div>
              <dt>{t('undoneBy')}</dt>
              <dd>
                {run.undone_by_name || t('commandLine')} · <Time value={run.undone_at} format="full" />
              </dd>
            </div>
          )}
          <div>
            <dt>SHA-256</dt>
            <dd className="mono" style={{ overflowWrap: 'anywhere' }}>
              {run.sha256}
            </dd>
          </div>
        </dl>
      </aside>
    </div>
  )
}

import { EditOutlined, PlusOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { useAction } from '@/shared/lib/action'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { formatTime } from '@/shared/lib/time'
import type { Column } from '@/shared/ui/DataTable'
import { CopyButton } from '@/shared/ui/CopyText'
import { LocalTable } from '@/shared/ui/LocalTable'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { fromBase64, readBody } from './bytes'
import { CheckFromScript } from './components/CheckFromScript'
import { writeArgs, writeExitCodes } from './manifest'
import { module, releaseVersion, retireVersion, scriptQuery, versionQuery } from './queries'
import './script.css'
import type { Manifest, ScriptDetail, Version, VersionDetail } from './types'

const tones: Record<Version['state'], Tone> = { draft: 'info', released: 'ok', retired: 'absent' }

/** One script: its versions, and what the chosen one runs and how that is judged. */
export default function ScriptPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(scriptQuery(id))
  return <StateView query={query}>{(script) => <ScriptView script={script} />}</StateView>
}

function ScriptView({ script }: { script: ScriptDetail }) {
  const { t } = useTranslation('script')
  const { modal } = App.useApp()
  const client = useQueryClient()
  const navigate = useNavigate()
  const { areaName, systemName } = useOrgNames()
  const [search, change] = useFilters<'version'>()
  const [retiring, setRetiring] = useState<Version>()
  const [adding, setAdding] = useState(false)
  const current = script.versions.find((v) => v.number === script.current)
  const chosen =
    script.versions.find((v) => String(v.number) === search.version) ??
    script.versions.find((v) => v.id === script.draft_id) ??
    current ??
    script.versions[0]
  const release = useAction(releaseVersion, { module, success: t('version.released') })
  const askRelease = (v: Version) =>
    void modal.confirm({
      title: t('version.releaseTitle', { name: script.title, n: v.number }),
      content: t('version.releaseBody'),
      okText: t('version.release'),
      cancelText: t('actions.cancel'),
      onOk: () => release.mutateAsync(v).catch(() => undefined),
    })

  const columns: Column<Version>[] = [
    { key: 'number', title: t('col.version'), width: 80, render: (v) => <span className="mono">v{v.number}</span> },
    {
      key: 'state',
      title: t('col.state'),
      width: 100,
      render: (v) => <StateTag tone={tones[v.state]} text={t(`state.${v.state}`)} />,
    },
    { key: 'note', title: t('draft.note'), width: 240, ellipsis: true, render: (v) => v.note },
    {
      key: 'by',
      title: t('version.by'),
      width: 220,
      render: (v) =>
        v.released_at ? (
          <span className="soft">
            {v.released_by?.display_name} · <Time value={v.released_at} />
          </span>
        ) : (
          <span className="soft">
            {v.created_by?.display_name} · <Time value={v.created_at} />
          </span>
        ),
    },
    {
      key: 'acts',
      title: '',
      width: 170,
      align: 'right',
      render: (v) => (
        <Can perm="inspect.manage">
          {v.state !== 'retired' && (
            <Button
              size="small"
              onClick={(event) => {
                event.stopPropagation()
                setRetiring(v)
              }}
            >
              {t('version.retire')}
            </Button>
          )}
          {v.state === 'draft' && (
            <Button
              size="small"
              style={{ marginLeft: 6 }}
              loading={release.isPending}
              onClick={(event) => {
                event.stopPropagation()
                askRelease(v)
              }}
            >
              {t('version.release')}
            </Button>
          )}
        </Can>
      ),
    },
  ]

  return (
    <>
      <PageHeader
        title={script.title}
        above={
          <>
            <span className="mono soft">{script.name}</span>
            {current ? (
              <StateTag tone="ok" text={t('state.currentOf', { n: script.current })} />
            ) : (
              <StateTag tone="absent" text={t('state.none')} />
            )}
          </>
        }
        actions={
          <Can perm="inspect.manage">
            <Button
              icon={<EditOutlined />}
              onClick={() => void navigate({ to: `/inspect/scripts/${script.id}/draft` as string })}
            >
              {t(script.draft_id ? 'draft.open' : 'draft.make')}
            </Button>
            {current && (
              <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
                {t('check.add')}
              </Button>
            )}
          </Can>
        }
      />
      <div className="split">
        <div className="stack">
          <section className="panel">
            <LocalTable<Version>
              rows={script.versions}
              columns={columns}
              rowKey={(v) => v.id}
              openKey={chosen?.id}
              onOpen={(v) => change({ version: String(v.number) })}
              keyboard
              label={t('version.title')}
            />
          </section>
          {chosen && <VersionText id={chosen.id} />}
        </div>
        <aside className="panel panel-body stack">
          <dl className="facts-narrow">
            <div>
              <dt>{t('col.class')}</dt>
              <dd>{t(`parts:class.${script.class}`)}</dd>
            </div>
            <div>
              <dt>{t('col.place')}</dt>
              <dd>
                {areaName(script.area_path)}
                {script.system_id && ` · ${systemName(script.system_id)}`}
              </dd>
            </div>
            <div>
              <dt>{t('col.updated')}</dt>
              <dd>{formatTime(script.updated_at, 'full')}</dd>
            </div>
          </dl>
          <Link to={'/inspect/checks' as string} search={{ kind: 'script.run', q: script.name } as never}>
            {t('script.checks')}
          </Link>
          <Can perm="journal.read">
            <Link to={'/journal' as string} search={{ subject_kind: 'script.package', subject_id: script.id } as never}>
              {t('trail')}
            </Link>
          </Can>
        </aside>
      </div>
      {current && <CheckFromScript script={script} version={current} open={adding} onClose={() => setAdding(false)} />}
      <ReasonModal
        open={retiring !== undefined}
        title={t('version.retireTitle', { name: script.title, n: retiring?.number })}
        body={t(retiring?.state === 'draft' ? 'version.retireDraft' : 'version.retireBody')}
        okText={t('version.retire')}
        danger
        onOk={async (reason) => {
          await retireVersion(retiring!, reason)
          await client.invalidateQueries({ queryKey: [module] })
        }}
        onClose={() => setRetiring(undefined)}
      />
    </>
  )
}

/** What a version runs, and how that is judged. */
function VersionText({ id }: { id: string }) {
  const { t } = useTranslation('script')
  const query = useQuery(versionQuery(id))
  return (
    <StateView query={query}>
      {(v: VersionDetail) => {
        const body = readBody(fromBase64(v.body))
        return (
          <section className="panel panel-body stack">
            <div className="row">
              <h2 className="panel-title grow">{t('version.text', { n: v.number })}</h2>
              {body.raw && <span className="meta">{t('body.gb')}</span>}
              <CopyButton text={body.text} />
            </div>
            <pre className="output mono" tabIndex={0} aria-label={t('body.title')}>
              {body.text}
            </pre>
            <ManifestFacts manifest={v.manifest} />
            <div className="row">
              <span className="meta">SHA-256</span>
              <code className="grow break">{v.sha256 || v.body_sha256}</code>
              <span className="meta">{t(v.sha256 ? 'version.digest' : 'version.bodyDigest')}</span>
            </div>
          </section>
        )
      }}
    </StateView>
  )
}

function ManifestFacts({ manifest }: { manifest: Manifest }) {
  const { t } = useTranslation('script')
  const rules = manifest.rules.rules ?? []
  return (
    <>
      <dl className="facts">
        <dt>{t('manifest.interpreter')}</dt>
        <dd className="mono">{manifest.interpreter}</dd>
        <dt>{t('manifest.timeout')}</dt>
        <dd>{t('manifest.seconds', { n: manifest.timeout_seconds })}</dd>
        {manifest.params.length > 0 && (
          <>
            <dt>{t('manifest.params')}</dt>
            <dd>
              {manifest.params.map((p) => (
                <div key={p.name}>
                  <span className="mono">{p.name}</span> {p.title}{' '}
                  <span className="meta">
                    {[
                      t(`paramType.${p.type}`),
                      p.required && t('param.required'),
                      p.secret && t('param.secret'),
                      p.default && `= ${p.default}`,
                      p.choices?.join(' / '),
                    ]
                      .filter(Boolean)
                      .join(' · ')}
                  </span>
                </div>
              ))}
            </dd>
          </>
        )}
        {manifest.args.length > 0 && (
          <>
            <dt>{t('manifest.args')}</dt>
            <dd className="mono plain-lines">{writeArgs(manifest.args)}</dd>
          </>
        )}
        <dt>{t('manifest.judge')}</dt>
        <dd>{t(`judge.${manifest.judge}`)}</dd>
        {manifest.rules.exit_codes && manifest.rules.exit_codes.length > 0 && (
          <>
            <dt>{t('rules.exitCodes')}</dt>
            <dd className="mono">{writeExitCodes(manifest.rules.exit_codes)}</dd>
          </>
        )}
        {manifest.judge === 'rules' && (
          <>
            <dt>{t('rules.otherwise')}</dt>
            <dd>{t(`check.${manifest.rules.otherwise || 'UNKNOWN'}`, { ns: 'common' })}</dd>
          </>
        )}
      </dl>
      {manifest.judge === 'rules' && rules.length > 0 && (
        <table className="verdict">
          <tbody>
            {rules.map((rule, i) => (
              <tr key={i}>
                <td>{rule.name}</td>
                <td className="soft">{t(`ruleKind.${rule.kind}`)}</td>
                <td className="mono break">
                  {[rule.column, rule.pattern && `/${rule.pattern}/`].filter(Boolean).join(' ')}
                </td>
                <td className="soft">
                  {rule.kind === 'text'
                    ? t(`check.${rule.state}`, { ns: 'common' })
                    : [
                        rule.warn && `${t('check.WARNING', { ns: 'common' })} ${rule.warn}`,
                        rule.crit && `${t('check.CRITICAL', { ns: 'common' })} ${rule.crit}`,
                        rule.uom,
                      ]
                        .filter(Boolean)
                        .join(' · ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}

import { EyeOutlined, LeftOutlined, LockOutlined, RightOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isApiError } from '@/shared/api/client'
import { useOrgNames } from '@/shared/api/org'
import { useKeys } from '@/shared/lib/keys'
import { useLocalized } from '@/shared/lib/localized'
import { Can } from '@/shared/lib/perm'
import { CopyButton } from '@/shared/ui/CopyText'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { Actor, Subject, useFieldText } from './components/words'
import './journal.css'
import { reveal, rowQuery, typesQuery } from './queries'
import type { RowDetail } from './types'

/** One row: what it says, the bytes that are hashed, and its place in the chain. */
export default function RowPage() {
  const { seq } = useParams({ strict: false }) as { seq: string }
  const query = useQuery(rowQuery(seq))
  return <StateView query={query}>{(row) => <RowView key={row.seq} row={row} />}</StateView>
}

function RowView({ row }: { row: RowDetail }) {
  const { t } = useTranslation('journal')
  const { title } = useLocalized()
  const navigate = useNavigate()
  const next = useQuery({ ...rowQuery(String(row.seq + 1)), retry: false })
  const last = isApiError(next.error, 'not_found')
  const go = (seq: number) => void navigate({ to: `/journal/rows/${seq}` as string })
  const before = row.seq > 1
  useKeys({
    k: () => before && go(row.seq - 1),
    j: () => !last && go(row.seq + 1),
  })
  return (
    <>
      <PageHeader
        title={title(row)}
        above={
          <>
            <span className="mono soft">#{row.seq}</span>
            <span className="mono muted">{row.type}</span>
          </>
        }
        actions={
          <>
            <Button
              icon={<LeftOutlined />}
              disabled={!before}
              aria-label={t('row.previous')}
              title={`${t('row.previous')} (k)`}
              onClick={() => go(row.seq - 1)}
            />
            <Button
              icon={<RightOutlined />}
              disabled={last}
              aria-label={t('row.next')}
              title={`${t('row.next')} (j)`}
              onClick={() => go(row.seq + 1)}
            />
          </>
        }
      />
      <div className="split">
        <div className="stack">
          <Content row={row} />
          <section className="panel" aria-labelledby="canonical">
            <div className="panel-head">
              <h2 className="panel-title grow" id="canonical">
                {t('row.canonical')}
              </h2>
              <CopyButton text={row.canonical} />
            </div>
            <div className="panel-body stack" style={{ gap: 8 }}>
              <p className="meta">{t('row.canonicalHelp')}</p>
              <pre className="plain-pre mono" tabIndex={0}>
                {row.canonical}
              </pre>
            </div>
          </section>
          <Chain row={row} last={last} />
        </div>
        <Facts row={row} />
      </div>
    </>
  )
}

function Content({ row }: { row: RowDetail }) {
  const { t } = useTranslation('journal')
  const { title } = useLocalized()
  const type = useQuery(typesQuery).data?.find((one) => one.type === row.type)
  const [asking, setAsking] = useState(false)
  const [shown, setShown] = useState<Record<string, string>>()
  const label = (name: string) => {
    const field = type?.fields.find((f) => f.name === name)
    return field ? title(field) : name
  }
  const fieldText = useFieldText()
  // In the order in which the type declares them.
  const rank = (name: string) => (type?.fields.findIndex((f) => f.name === name) ?? -1) + 1 || 99
  const open = Object.entries(row.fields).sort((a, b) => rank(a[0]) - rank(b[0]))
  const hidden = Object.entries(shown ?? row.private).sort((a, b) => rank(a[0]) - rank(b[0]))
  const masked = hidden.some(([, value]) => value === 'masked')
  return (
    <section className="panel" aria-labelledby="content">
      <div className="panel-head">
        <h2 className="panel-title grow" id="content">
          {t('row.fields')}
        </h2>
        {masked && (
          <Can perm="journal.reveal">
            <Button icon={<EyeOutlined />} onClick={() => setAsking(true)}>
              {t('reveal.button')}
            </Button>
          </Can>
        )}
      </div>
      <div className="panel-body">
        <dl className="facts">
          {open.map(([name, value]) => (
            <div key={name} className="facts-pair">
              <dt>{label(name)}</dt>
              <dd>{fieldText(value, row.names)}</dd>
            </div>
          ))}
          {hidden.map(([name, value]) => (
            <div key={name} className="facts-pair">
              <dt>{label(name)}</dt>
              <dd>
                <PrivateValue value={value} />
              </dd>
            </div>
          ))}
          {open.length === 0 && hidden.length === 0 && (
            <div className="facts-pair">
              <dt className="muted">{t('row.noFields')}</dt>
              <dd />
            </div>
          )}
        </dl>
      </div>
      <ReasonModal
        open={asking}
        title={t('reveal.title')}
        body={t('reveal.body')}
        okText={t('reveal.ok')}
        onOk={async (reason) => setShown((await reveal(row.seq, reason)).private)}
        onClose={() => setAsking(false)}
      />
    </section>
  )
}

/** Private text, or why there is none to read. */
function PrivateValue({ value }: { value: string }) {
  const { t } = useTranslation('journal')
  if (value === 'masked') {
    return (
      <span className="muted">
        <LockOutlined /> {t('reveal.masked')}
      </span>
    )
  }
  if (value === 'erased') return <StateTag tone="absent" text={t('parts:person.erased')} />
  return <span style={{ whiteSpace: 'pre-wrap' }}>{value}</span>
}

function Chain({ row, last }: { row: RowDetail; last: boolean }) {
  const { t } = useTranslation('journal')
  return (
    <section className="panel" aria-labelledby="chain">
      <div className="panel-head">
        <h2 className="panel-title grow" id="chain">
          {t('chain.title')}
        </h2>
        {row.segment ? (
          <StateTag tone="ok" text={t('chain.sealed', { number: row.segment.number })} />
        ) : (
          <StateTag tone="neutral" text={t('chain.open')} />
        )}
      </div>
      <ol className="chain">
        <li>
          <span className="meta">
            {row.seq > 1 ? (
              <Link to={`/journal/rows/${row.seq - 1}` as string}>#{row.seq - 1}</Link>
            ) : (
              t('chain.genesis')
            )}
          </span>
          <code>{row.prev}</code>
        </li>
        <li className="chain-here">
          <span>#{row.seq}</span>
          <code>{row.hash}</code>
        </li>
        <li>
          <span className="meta">
            {last ? t('chain.head') : <Link to={`/journal/rows/${row.seq + 1}` as string}>#{row.seq + 1}</Link>}
          </span>
          <span className="meta">{last ? '' : t('chain.follows')}</span>
        </li>
      </ol>
      {row.segment ? (
        <details className="fold">
          <summary>
            <span className="grow">{t('chain.proof', { count: row.segment.proof.length })}</span>
          </summary>
          <div className="panel-body stack" style={{ gap: 8 }}>
            <p className="meta">{t('chain.proofHelp')}</p>
            <dl className="facts">
              <dt>{t('chain.leaf')}</dt>
              <dd>
                <code>{row.segment.leaf}</code>
              </dd>
              {row.segment.proof.map((hash, i) => (
                <div key={i} className="facts-pair">
                  <dt className="mono">{i + 1}</dt>
                  <dd>
                    <code>{hash}</code>
                  </dd>
                </div>
              ))}
              <dt>{t('chain.root')}</dt>
              <dd>
                <code>{row.segment.root}</code>
              </dd>
            </dl>
          </div>
        </details>
      ) : (
        <p className="panel-body meta">{t('chain.openHelp')}</p>
      )}
    </section>
  )
}

function Facts({ row }: { row: RowDetail }) {
  const { t } = useTranslation('journal')
  const { areaName, systemName } = useOrgNames()
  return (
    <aside className="panel panel-body stack">
      <dl className="facts-narrow">
        <div>
          <dt>{t('row.at')}</dt>
          <dd>
            <Time value={row.at} format="full" />
          </dd>
        </div>
        <div>
          <dt>{t('row.actor')}</dt>
          <dd>
            <Actor actor={row.actor} />
          </dd>
        </div>
        <div>
          <dt>{t('row.subject')}</dt>
          <dd>
            <Subject row={row} />
          </dd>
        </div>
        <div>
          <dt>{t('row.place')}</dt>
          <dd>
            {row.area_path ? areaName(row.area_path) : '—'}
            {row.system_id && ` · ${systemName(row.system_id)}`}
          </dd>
        </div>
        {row.request_id && (
          <div>
            <dt>{t('row.request')}</dt>
            <dd className="mono break">{row.request_id}</dd>
          </div>
        )}
        <div>
          <dt>{t('row.id')}</dt>
          <dd className="mono break">{row.id}</dd>
        </div>
      </dl>
      {row.subject.kind && (
        <Link
          to={'/journal' as string}
          search={{ subject_kind: row.subject.kind, subject_id: row.subject.id } as never}
        >
          {t('row.sameSubject')}
        </Link>
      )}
    </aside>
  )
}

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Drawer } from 'antd'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import { showValue } from '@/shared/lib/measure'
import { CopyButton } from '@/shared/ui/CopyText'
import { CheckStateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { useReasonText } from '../words'
import { resultQuery } from '../queries'
import type { Result } from '../types'
import { ValueTable } from './values'

/** One result in full, at the side of where it was found. */
export function ResultDrawer({ id, onClose }: { id?: string; onClose: () => void }) {
  const { t } = useTranslation('inspect')
  const query = useQuery({ ...resultQuery(id ?? ''), enabled: id !== undefined })
  return (
    <Drawer open={id !== undefined} onClose={onClose} size={620} title={t('result.title')}>
      {id !== undefined && <StateView query={query}>{(result) => <ResultBody result={result} link />}</StateView>}
    </Drawer>
  )
}

export function ResultBody({ result, link }: { result: Result; link?: boolean }) {
  const { t } = useTranslation('inspect')
  const { title, english } = useLocalized()
  const reasonText = useReasonText()
  const name = [title(result), result.target].filter(Boolean).join(' ')
  return (
    <div className="stack">
      <div className="row">
        <CheckStateTag state={result.state} reason={result.reason} />
        <strong className="grow break">{result.summary}</strong>
      </div>
      <dl className="facts">
        <dt>{t('col.check')}</dt>
        <dd>
          {link ? <Link to={`/inspect/checks/${result.check_id}` as string}>{name}</Link> : name}
          <span className="muted"> · {result.asset_name}</span>
        </dd>
        {result.reason && (
          <>
            <dt>{t('result.reason')}</dt>
            <dd>{reasonText(result.reason)}</dd>
          </>
        )}
        <dt>{t('col.ranAt')}</dt>
        <dd>
          <Time value={result.ran_at} format="full" />
          <span className="muted">
            {' '}
            · {t('result.took', { span: showValue(result.duration_ms / 1000, 's', english) })}
          </span>
        </dd>
      </dl>
      {result.perfdata.length > 0 && (
        <div className="panel">
          <ValueTable perfdata={result.perfdata} />
        </div>
      )}
      {result.details && (
        <section>
          <h3 className="panel-title" style={{ marginBottom: 6 }}>
            {t('result.details')}
          </h3>
          <pre className="plain-pre mono" tabIndex={0}>
            {result.script_sha256 ? result.details.replace(/^script_sha256 .*\n/, '') : result.details}
          </pre>
        </section>
      )}
      {result.script_sha256 && (
        <div className="row">
          <span className="meta">{t('result.script', { name: result.script })}</span>
          <code className="grow break">{result.script_sha256}</code>
          <CopyButton text={result.script_sha256} />
        </div>
      )}
      {result.sha256 && (
        <div className="row">
          <span className="meta">SHA-256</span>
          <code className="grow break">{result.sha256}</code>
          <CopyButton text={result.sha256} />
        </div>
      )}
    </div>
  )
}

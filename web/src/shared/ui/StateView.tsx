import { DisconnectOutlined, InboxOutlined, LockOutlined, QuestionCircleOutlined } from '@ant-design/icons'
import type { UseQueryResult } from '@tanstack/react-query'
import { Button, Skeleton } from 'antd'
import { useEffect, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/shared/api/client'
import { useErrorText } from '@/shared/lib/errors'
import { formatTime } from '@/shared/lib/time'

/** True after a short wait, so that quick answers do not flash a skeleton. */
export function useDelayed(ms = 150): boolean {
  const [passed, setPassed] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setPassed(true), ms)
    return () => clearTimeout(timer)
  }, [ms])
  return passed
}

export function Loading({ rows = 5 }: { rows?: number }) {
  const { t } = useTranslation()
  const show = useDelayed()
  return (
    <div className="data-table-skeleton" role="status" aria-label={t('state.loading')}>
      {show && <Skeleton active title={false} paragraph={{ rows, width: '100%' }} />}
    </div>
  )
}

export function Empty({ text, hint, action }: { text?: string; hint?: ReactNode; action?: ReactNode }) {
  const { t } = useTranslation()
  return (
    <div className="state-view">
      <InboxOutlined className="state-view-icon" />
      <div>{text ?? t('table.empty')}</div>
      {hint && <div className="meta">{hint}</div>}
      {action && <div className="state-view-acts">{action}</div>}
    </div>
  )
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const text = useErrorText()
  const status = error instanceof ApiError ? error.status : 0
  const requestId = error instanceof ApiError ? error.requestId : ''
  const [icon, title] =
    status === 403
      ? [<LockOutlined key="i" />, t('state.forbiddenTitle')]
      : status === 404
        ? [<QuestionCircleOutlined key="i" />, t('state.notFoundTitle')]
        : [<DisconnectOutlined key="i" />, t('state.errorTitle')]
  return (
    <div className="state-view" role="alert">
      <span className="state-view-icon">{icon}</span>
      <h2>{title}</h2>
      <div>{text(error)}</div>
      {requestId && (
        <div className="state-view-id">
          {t('state.requestId')} <code>{requestId}</code>
        </div>
      )}
      {retry && status !== 403 && status !== 404 && <Button onClick={retry}>{t('state.retry')}</Button>}
    </div>
  )
}

/** Shown above data that could not be refreshed: old is better than nothing, but it must say so. */
export function StaleBar({ at, retry }: { at: number; retry: () => void }) {
  const { t } = useTranslation()
  return (
    <div className="stale-bar" role="status">
      <DisconnectOutlined />
      <span className="grow">{t('state.stale', { time: formatTime(at, 'clock') })}</span>
      <Button size="small" onClick={retry}>
        {t('state.retry')}
      </Button>
    </div>
  )
}

interface Props<T> {
  query: UseQueryResult<T>
  children: (data: T) => ReactNode
  isEmpty?: (data: T) => boolean
  empty?: ReactNode
  skeletonRows?: number
}

/** The four faces of a question to the server: waiting, failed, nothing, and the answer (perhaps an old one). */
export function StateView<T>({ query, children, isEmpty, empty, skeletonRows }: Props<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <StaleBar at={query.dataUpdatedAt} retry={() => void query.refetch()} />}
        {isEmpty?.(query.data) ? (empty ?? <Empty />) : children(query.data)}
      </>
    )
  }
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />
  return <Loading rows={skeletonRows} />
}

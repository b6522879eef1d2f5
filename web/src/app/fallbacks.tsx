import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/shared/api/client'
import { Failure } from '@/shared/ui/StateView'

export function NotFoundPage() {
  const { t } = useTranslation()
  return (
    <div className="state-view">
      <h1 style={{ fontSize: 18 }}>{t('state.notFoundTitle')}</h1>
      <div>{t('state.pageNotFound')}</div>
      <Link to="/">{t('state.home')}</Link>
    </div>
  )
}

export function CrashPage({ error }: { error: unknown }) {
  const { t } = useTranslation()
  const reload = () => window.location.reload()
  if (error instanceof ApiError) return <Failure error={error} retry={reload} />
  return (
    <div className="state-view" role="alert">
      <h1 style={{ fontSize: 18 }}>{t('state.crash')}</h1>
      <code>{error instanceof Error ? error.message : String(error)}</code>
      <Button onClick={reload}>{t('state.reload')}</Button>
    </div>
  )
}

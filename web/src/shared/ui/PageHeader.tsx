import { useEffect, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

interface Props {
  title: string
  /** Beside the title: a count, a date. */
  meta?: ReactNode
  /** Above the title: number and state tags of a single thing. */
  above?: ReactNode
  /** At most one primary button. */
  actions?: ReactNode
}

export function PageHeader({ title, meta, above, actions }: Props) {
  const { t } = useTranslation()
  useEffect(() => {
    document.title = `${title} · ${t('product')}`
  }, [title, t])
  return (
    <div className="page-header">
      <div className="page-header-text">
        {above && <div className="page-header-above">{above}</div>}
        <h1>{title}</h1>
        {meta && <span className="page-header-meta">{meta}</span>}
      </div>
      {actions && <div className="page-header-actions no-print">{actions}</div>}
    </div>
  )
}

import { CheckCircleOutlined, ExclamationCircleOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ProductionStatus } from '@/shared/api/types'
import { useLocalized } from '@/shared/lib/localized'
import { Can } from '@/shared/lib/perm'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { declareProduction, module, productionQuery } from './queries'
import './access.css'

/** 投产: ends the trial. It is refused, with the list of what is missing, while its rules cannot be kept. */
export default function ProductionPage() {
  const { t } = useTranslation('access')
  const query = useQuery(productionQuery)
  const client = useQueryClient()
  const { message } = App.useApp()
  const [asking, setAsking] = useState(false)
  const ready = query.data?.mode === 'trial' && query.data.missing.length === 0

  return (
    <>
      <PageHeader
        title={t('production.title')}
        meta={
          query.data && (
            <StateTag
              tone={query.data.mode === 'trial' ? 'warning' : 'ok'}
              text={t(query.data.mode === 'trial' ? 'production.onTrial' : 'production.inProduction')}
            />
          )
        }
        actions={
          query.data?.mode === 'trial' && (
            <Can perm="access.production.declare">
              <Button type="primary" disabled={!ready} onClick={() => setAsking(true)}>
                {t('production.declare')}
              </Button>
            </Can>
          )
        }
      />
      <StateView query={query}>{(status) => <Body status={status} />}</StateView>
      <ReasonModal
        open={asking}
        title={t('production.confirmTitle')}
        body={t('production.confirmBody')}
        okText={t('production.declare')}
        confirmWord={t('production.word')}
        onOk={async (reason) => {
          try {
            await declareProduction(reason)
            void message.success(t('production.declared'))
          } finally {
            await client.invalidateQueries({ queryKey: [module] })
          }
        }}
        onClose={() => setAsking(false)}
      />
    </>
  )
}

function Body({ status }: { status: ProductionStatus }) {
  const { t } = useTranslation('access')
  const { title } = useLocalized()
  if (status.mode === 'production') return <Notice tone="ok">{t('production.done')}</Notice>
  return (
    <div className="stack" style={{ maxWidth: 860 }}>
      <section className="panel">
        <div className="panel-head">
          <h2 className="panel-title">{t('production.missingTitle')}</h2>
          <span className="muted">{status.missing.length}</span>
        </div>
        {status.missing.length === 0 ? (
          <div className="panel-body row">
            <CheckCircleOutlined style={{ color: 'var(--tx-ok)' }} />
            {t('production.ready')}
          </div>
        ) : (
          <ul className="production-missing">
            {status.missing.map((item) => (
              <li key={item.code}>
                <ExclamationCircleOutlined />
                <span>{title(item)}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section className="panel">
        <div className="panel-head">
          <h2 className="panel-title">{t('production.effectTitle')}</h2>
        </div>
        <ul className="production-effects">
          {(['duties', 'confirm', 'two', 'evidence', 'final'] as const).map((effect) => (
            <li key={effect}>{t(`production.effects.${effect}`)}</li>
          ))}
        </ul>
      </section>
    </div>
  )
}

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { LocalTable } from '@/shared/ui/LocalTable'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { broughtQuery, type Brought, type RunDetail } from '../queries'

const where: Record<Brought['kind'], string> = {
  check: '/inspect/checks/',
  script: '/inspect/scripts/',
  plan: '/inspect/plans/',
}

/** What an import made beside assets, and after an undo what stays. */
export function BroughtTable({ run }: { run: RunDetail }) {
  const { t } = useTranslation('intake')
  const query = useQuery(broughtQuery(run.id, run.version))
  return (
    <StateView query={query}>
      {(all) =>
        all.length === 0 ? null : (
          <section className="panel" aria-label={t('brought.title')}>
            <LocalTable<Brought>
              label={t('brought.title')}
              rows={all}
              rowKey={(b) => b.thing_id}
              columns={[
                { key: 'kind', title: t('bring.kind'), width: 90, render: (b) => t(`part.${b.kind}`) },
                {
                  key: 'name',
                  title: t('brought.what'),
                  width: 360,
                  render: (b) =>
                    run.state === 'undone' && !b.left ? (
                      <span className="muted">{b.name}</span>
                    ) : (
                      <Link to={`${where[b.kind]}${b.thing_id}` as string}>{b.name}</Link>
                    ),
                },
                {
                  key: 'off',
                  title: t('brought.off'),
                  width: 300,
                  render: (b) =>
                    b.off ? (
                      <StateTag tone="absent" text={t(`off.${b.off}`)} />
                    ) : (
                      <span className="soft">{t('brought.runs')}</span>
                    ),
                },
                {
                  key: 'left',
                  title: t('steps.undo'),
                  width: 220,
                  render: (b) =>
                    run.state !== 'undone' ? (
                      '—'
                    ) : b.left ? (
                      <StateTag tone="warning" text={t(`broughtLeft.${b.left}`)} />
                    ) : (
                      t('brought.gone')
                    ),
                },
              ]}
            />
          </section>
        )
      }
    </StateView>
  )
}

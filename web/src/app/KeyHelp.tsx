import { Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { usePerm } from '@/shared/lib/perm'
import { usePrefs } from '@/shared/lib/prefs'
import { nav } from './features'

export default function KeyHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const may = usePerm()
  const { singleKeys } = usePrefs()
  const rows: [string[], string][] = [
    [['Ctrl K'], t('help.palette')],
    [['/'], t('help.search')],
    [['j', 'k'], t('help.move')],
    [['Enter'], t('help.open')],
    [['x'], t('help.tick')],
    [['r'], t('help.run')],
    [['a'], t('help.assign')],
    [['Ctrl Enter'], t('help.sign')],
    [['c'], t('help.copy')],
    [['Esc'], t('help.close')],
    [['?'], t('help.this')],
    ...nav
      .filter((entry) => entry.key && may(entry.perm))
      .map((entry): [string[], string] => [['g', entry.key!], `${t('help.go')}: ${t(entry.label)}`]),
  ]
  return (
    <Modal open={open} onCancel={onClose} title={t('help.title')} footer={null} width={420}>
      {!singleKeys && <p className="soft">{t('help.off')}</p>}
      <dl className="key-help">
        {rows.map(([keys, text]) => (
          <div key={text}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  )
}

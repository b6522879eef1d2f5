import { Input } from 'antd'
import { useRouter } from '@tanstack/react-router'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useKeys } from '@/shared/lib/keys'
import { useLocalized } from '@/shared/lib/localized'
import { CheckStateTag } from '@/shared/ui/StateTag'
import { Ago } from '@/shared/ui/Time'
import type { DailyItem } from '../types'

interface Props {
  items: DailyItem[]
  notes: Record<string, string>
  remark: string
  editable: boolean
  onNote: (key: string, note: string) => void
  onRemark: (remark: string) => void
}

const longest = 300

/** What is red, each with its note; Enter goes to the next note, j and k to the next line. */
export function DailyItems({ items, notes, remark, editable, onNote, onRemark }: Props) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const router = useRouter()
  const list = useRef<HTMLDivElement>(null)
  const fields = () => [...(list.current?.querySelectorAll<HTMLInputElement>('input') ?? [])]
  const go = (step: number) => {
    const all = fields()
    const at = all.indexOf(document.activeElement as HTMLInputElement)
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]
    next?.focus()
    next?.scrollIntoView({ block: 'nearest' })
  }
  useKeys({ j: () => go(1), k: () => go(-1) }, editable)
  const walk = {
    onPressEnter: (event: React.KeyboardEvent) => {
      if (!event.ctrlKey && !event.metaKey) go(event.shiftKey ? -1 : 1)
    },
    onKeyDown: (event: React.KeyboardEvent<HTMLInputElement>) => {
      if (event.key === 'Escape') event.currentTarget.blur()
    },
  }

  return (
    <div ref={list}>
      <ul className="daily-items">
        {items.map((item) => (
          <li key={item.key} className={`daily-item daily-${item.severity.toLowerCase()}`}>
            <CheckStateTag state={item.severity} />
            <div className="daily-what">
              <a
                href={item.href}
                onClick={(event) => {
                  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
                  event.preventDefault()
                  void router.navigate({ href: item.href })
                }}
              >
                {title(item)}
              </a>
              <div className="soft break">
                {item.detail}
                {item.since && (
                  <span className="meta">
                    {' '}
                    · <Ago value={item.since} />
                  </span>
                )}
              </div>
            </div>
            {editable ? (
              <Input
                className="daily-note"
                aria-label={t('daily.noteOf', { title: title(item) })}
                placeholder={t('daily.note')}
                maxLength={longest}
                value={notes[item.key] ?? item.note}
                onChange={(event) => onNote(item.key, event.target.value)}
                {...walk}
              />
            ) : (
              <div className="daily-note soft break">{item.note}</div>
            )}
          </li>
        ))}
      </ul>
      {editable && (
        <div className="daily-remark">
          <Input
            aria-label={t('daily.remark')}
            placeholder={t('daily.remark')}
            maxLength={longest}
            value={remark}
            onChange={(event) => onRemark(event.target.value)}
            {...walk}
          />
          <span className="meta nowrap">{t('daily.keys')}</span>
        </div>
      )}
    </div>
  )
}

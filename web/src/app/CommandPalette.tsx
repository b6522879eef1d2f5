import { SearchOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Modal } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePerm } from '@/shared/lib/perm'
import { effectiveTheme, setPrefs, usePrefs } from '@/shared/lib/prefs'
import { useSignOut } from './AccountMenu'
import { nav, searchers } from './features'

interface Item {
  id: string
  group: string
  text: string
  hint?: string
  run: () => void
}

interface Props {
  open: boolean
  onClose: () => void
  onHelp: () => void
}

const listId = 'palette-list'

export default function CommandPalette({ open, onClose, onHelp }: Props) {
  const { t } = useTranslation()
  return (
    <Modal
      open={open}
      onCancel={onClose}
      footer={null}
      closable={false}
      width={560}
      style={{ top: 96 }}
      destroyOnHidden
      title={<span className="sr-only">{t('palette.title')}</span>}
      styles={{ container: { padding: 0, overflow: 'hidden' }, header: { margin: 0, height: 0 } }}
    >
      <PaletteBody onClose={onClose} onHelp={onHelp} />
    </Modal>
  )
}

function PaletteBody({ onClose, onHelp }: Omit<Props, 'open'>) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const may = usePerm()
  const prefs = usePrefs()
  const leave = useSignOut()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const wanted = useSettled(text.trim(), 200)

  const allowed = searchers.filter((searcher) => may(searcher.perm))
  const found = useQuery({
    queryKey: ['palette', wanted],
    enabled: wanted.length > 0 && allowed.length > 0,
    retry: false,
    staleTime: 10_000,
    queryFn: async ({ signal }) => {
      const answers = await Promise.allSettled(allowed.map((searcher) => searcher.search(wanted, signal)))
      return answers.flatMap((answer, i) =>
        answer.status === 'fulfilled' ? answer.value.map((hit) => ({ ...hit, label: allowed[i]!.label })) : [],
      )
    },
  })

  const matches = (label: string) => label.toLowerCase().includes(text.trim().toLowerCase())
  const go = (to: string) => () => void navigate({ to: to as never })
  const dark = effectiveTheme(prefs) === 'dark'
  const items: Item[] = [
    ...nav
      .filter((entry) => may(entry.perm) && matches(t(entry.label)))
      .map((entry) => ({
        id: entry.to,
        group: t('palette.pages'),
        text: t(entry.label),
        hint: entry.key && `g ${entry.key}`,
        run: go(entry.to),
      })),
    ...(found.data ?? []).map((hit) => ({
      id: hit.id,
      group: t(hit.label),
      text: hit.text,
      hint: hit.hint,
      run: () => void navigate({ href: hit.to }),
    })),
    ...[
      { id: 'profile', text: t('menu.profile'), run: go('/profile') },
      {
        id: 'theme',
        text: dark ? t('header.toLight') : t('header.toDark'),
        run: () => setPrefs({ theme: dark ? 'light' : 'dark' }),
      },
      {
        id: 'language',
        text: t('header.language'),
        run: () => setPrefs({ language: prefs.language === 'en' ? 'zh-CN' : 'en' }),
      },
      { id: 'help', text: t('menu.help'), hint: '?', run: onHelp },
      { id: 'out', text: t('menu.signOut'), run: () => void leave() },
    ]
      .filter((item) => matches(item.text))
      .map((item) => ({ ...item, group: t('palette.actions') })),
  ]
  const chosen = Math.min(at, items.length - 1)

  useEffect(() => input.current?.focus(), [])
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [chosen])

  const run = (item: Item | undefined) => {
    if (!item) return
    onClose()
    item.run()
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step) {
      event.preventDefault()
      setAt((chosen + step + items.length) % Math.max(1, items.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      run(items[chosen])
    }
  }

  return (
    <>
      <div className="palette-input">
        <SearchOutlined className="muted" />
        <input
          ref={input}
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={items[chosen] ? `palette-${chosen}` : undefined}
          aria-label={t('palette.title')}
          placeholder={t('palette.placeholder')}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div ref={list} id={listId} role="listbox" aria-label={t('palette.title')} className="palette-list">
        {items.map((item, i) => (
          <div key={`${item.group}:${item.id}`} role="presentation">
            {items[i - 1]?.group !== item.group && (
              <div className="palette-group" role="presentation">
                {item.group}
              </div>
            )}
            <div
              id={`palette-${i}`}
              role="option"
              aria-selected={i === chosen}
              className={`palette-item${i === chosen ? ' chosen' : ''}`}
              onMouseMove={() => setAt(i)}
              onClick={() => run(item)}
            >
              <span className="grow">{item.text}</span>
              {item.hint && <span className="meta">{item.hint}</span>}
            </div>
          </div>
        ))}
        {items.length === 0 && (
          <div className="palette-none">{found.isFetching ? t('palette.searching') : t('palette.none')}</div>
        )}
      </div>
      <div className="palette-foot meta">{t('palette.keys')}</div>
    </>
  )
}

function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

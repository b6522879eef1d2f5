import { useFilters } from '@/shared/lib/search'
import './counttabs.css'

export interface CountTab {
  /** "" is the tab without the filter. */
  value: string
  label: string
  count?: string | number
  /** How many of them call for a person; said in colour, and in words to who cannot see it. */
  alert?: { count: number; label: string }
}

interface Props {
  name: string
  label: string
  tabs: CountTab[]
  /** The tab that holds while the address names none. */
  fallback?: string
}

/** Tabs over a list, bound to one filter in the address. */
export function CountTabs({ name, label, tabs, fallback = '' }: Props) {
  const [search, change] = useFilters<string>()
  const active = search[name] ?? fallback
  return (
    <div className="count-tabs no-print" role="group" aria-label={label}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          type="button"
          className={`count-tab${tab.value === active ? ' active' : ''}`}
          aria-pressed={tab.value === active}
          onClick={() => change({ [name]: tab.value || undefined })}
        >
          {tab.label}
          {tab.count !== undefined && <span className="count-tab-n">{tab.count}</span>}
          {tab.alert && tab.alert.count > 0 && (
            <span className="count-tab-n state-critical" title={tab.alert.label}>
              {tab.alert.count}
              <span className="sr-only"> {tab.alert.label}</span>
            </span>
          )}
        </button>
      ))}
    </div>
  )
}

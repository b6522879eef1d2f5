import { DatePicker } from 'antd'
import { useTranslation } from 'react-i18next'
import { useFilters } from '@/shared/lib/search'
import { isoToWall, wallToIso } from '@/shared/lib/time'

interface Props {
  /** Names of the two ends in the address. */
  from?: string
  to?: string
  label: string
}

/** A span of Beijing time as a filter in the address. */
export function TimeRangeFilter({ from = 'from', to = 'to', label }: Props) {
  const { t } = useTranslation()
  const [search, change] = useFilters<string>()
  const wall = (iso: string | undefined) => (iso && !Number.isNaN(Date.parse(iso)) ? isoToWall(iso) : null)
  return (
    <DatePicker.RangePicker
      showTime={{ format: 'HH:mm' }}
      format="YYYY-MM-DD HH:mm"
      allowEmpty={[true, true]}
      aria-label={`${label} (${t('time.zone')})`}
      placeholder={[`${label} ≥`, `${label} <`]}
      style={{ width: 320 }}
      value={[wall(search[from]), wall(search[to])]}
      onChange={(span) =>
        change({
          [from]: span?.[0] ? wallToIso(span[0]) : undefined,
          [to]: span?.[1] ? wallToIso(span[1]) : undefined,
        })
      }
    />
  )
}

import { useTranslation } from 'react-i18next'
import type { CheckState } from '@/shared/api/types'

export type Tone = 'critical' | 'warning' | 'unknown' | 'info' | 'neutral' | 'ok' | 'quiet' | 'absent'

/** A state as colour and word, never colour alone. */
export function StateTag({ tone, text, dot = true }: { tone: Tone; text: string; dot?: boolean }) {
  return <span className={`state-tag state-${tone}${dot ? '' : ' no-dot'}`}>{text}</span>
}

/** `no_source` (无数据源) is what cannot be measured here: neither good nor bad, so it has its own look. */
export function checkTone(state: CheckState | null | undefined, reason?: string | null): Tone {
  if (!state) return 'absent'
  switch (state) {
    case 'OK':
      return 'quiet'
    case 'WARNING':
      return 'warning'
    case 'CRITICAL':
      return 'critical'
    case 'UNKNOWN':
      return reason === 'no_source' ? 'absent' : 'unknown'
  }
}

export function CheckStateTag({ state, reason }: { state: CheckState | null | undefined; reason?: string | null }) {
  const { t } = useTranslation()
  const word = !state ? 'none' : state === 'UNKNOWN' && reason === 'no_source' ? 'no_source' : state
  return <StateTag tone={checkTone(state, reason)} text={t(`check.${word}`)} />
}

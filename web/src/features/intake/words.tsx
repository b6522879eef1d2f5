import { useTranslation } from 'react-i18next'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import type { PreviewRow, Run } from './queries'

const states: Record<Run['state'], Tone> = { parsed: 'warning', applied: 'ok', undone: 'neutral', discarded: 'absent' }

export function RunState({ state }: { state: Run['state'] }) {
  const { t } = useTranslation('intake')
  return <StateTag tone={states[state]} text={t(`state.${state}`)} />
}

const outcomes: Record<PreviewRow['outcome'], Tone> = {
  conflict: 'critical',
  new: 'info',
  changed: 'warning',
  same: 'neutral',
}

export function OutcomeTag({ outcome }: { outcome: PreviewRow['outcome'] }) {
  const { t } = useTranslation('intake')
  return <StateTag tone={outcomes[outcome]} text={t(`outcome.${outcome}`)} />
}

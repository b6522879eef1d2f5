import { useTranslation } from 'react-i18next'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import type { Request } from './queries'

const tones: Record<Request['state'], Tone> = {
  proposed: 'warning',
  approved: 'ok',
  declined: 'neutral',
  withdrawn: 'absent',
}

export function RequestState({ state }: { state: Request['state'] }) {
  const { t } = useTranslation('approval')
  return <StateTag tone={tones[state]} text={t(`state.${state}`)} />
}

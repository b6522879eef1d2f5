import { useTranslation } from 'react-i18next'
import type { AccountState } from '@/shared/api/types'
import { StateTag, type Tone } from '@/shared/ui/StateTag'

const tones: Record<AccountState, Tone> = { invited: 'info', active: 'quiet', disabled: 'neutral', removed: 'absent' }

export function AccountStateTag({ state, erased }: { state: AccountState; erased?: boolean }) {
  const { t } = useTranslation('access')
  return <StateTag tone={tones[state]} text={erased ? t('state.erased') : t(`state.${state}`)} />
}

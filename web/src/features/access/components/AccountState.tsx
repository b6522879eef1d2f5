import { useTranslation } from 'react-i18next'
import type { Account, AccountState } from '@/shared/api/types'
import { StateTag, type Tone } from '@/shared/ui/StateTag'

const tones: Record<AccountState, Tone> = { invited: 'info', active: 'quiet', disabled: 'neutral', removed: 'absent' }

/** The words for where an account stands. */
export function accountStateKey({ state, erased, awaits_confirmation: awaits }: Account): string {
  return erased ? 'state.erased' : awaits ? 'state.awaits' : `state.${state}`
}

export function AccountStateTag({ account }: { account: Account }) {
  const { t } = useTranslation('access')
  const tone = account.awaits_confirmation ? 'warning' : tones[account.state]
  return <StateTag tone={tone} text={t(accountStateKey(account))} />
}

import type { Check, Plan, Round } from '@/shared/api/inspect'
import type { components } from '@/shared/api/schema'
import type * as inspect from '@/features/inspect/types'
import type * as journal from '@/features/journal/types'

type Server = components['schemas']

/**
 * A page's shape without its closed sets of words and fixed lengths, which the description cannot always say: Go has
 * slices of slices and plain strings where the page knows pairs and states.
 */
type Loose<T> = T extends string
  ? string
  : T extends readonly (infer Item)[]
    ? (Item extends readonly unknown[] ? Loose<Item> | null : Loose<Item>)[]
    : T extends object
      ? { [Key in keyof T]: Loose<T[Key]> }
      : T

/** Compiles only while what the server sends fits what the page reads. */
type Fits<Page, Sent extends Loose<Page>> = Sent

/**
 * Pages that write their shapes down themselves, with closed sets of words, are held to the server's description
 * here: the type check fails when the two part.
 */
export type Held = [
  Fits<Check, Server['CheckView']>,
  Fits<Plan, Server['PlanView']>,
  Fits<Round, Server['RoundView']>,
  Fits<inspect.Kind, Server['KindView']>,
  Fits<inspect.Result, Server['ResultView']>,
  Fits<Pick<inspect.RoundDetail, 'items'>, Server['RoundDetailView']>,
  Fits<inspect.Finding, Server['FindingView']>,
  Fits<Pick<inspect.FindingDetail, 'timeline' | 'result'>, Server['FindingDetailView']>,
  Fits<inspect.Gap, Server['GapView']>,
  Fits<inspect.Ahead, Server['PreviewView']>,
  Fits<Pick<inspect.DailyDetail, 'figures' | 'items'>, Server['DailyDetailView']>,
  Fits<inspect.Daily, Server['DailyView']>,
  Fits<inspect.History, Server['HistoryView']>,
  Fits<journal.Row, Server['JournalRow']>,
  Fits<Pick<journal.RowDetail, 'canonical' | 'segment'>, Server['JournalRowDetail']>,
  Fits<journal.Verification, Server['JournalVerification']>,
  Fits<journal.Segment, Server['JournalSegment']>,
  Fits<journal.Subscription, Server['JournalSubscription']>,
  Fits<journal.RowType, Server['JournalType']>,
]

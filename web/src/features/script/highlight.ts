import type { CheckState } from '@/shared/api/types'
import type { Said } from './types'

export interface Piece {
  text: string
  state?: CheckState
  /** Names of the rules that found it. */
  rules?: string[]
}

const gravity: Record<CheckState, number> = { OK: 0, WARNING: 1, UNKNOWN: 2, CRITICAL: 3 }

/** Cuts a text where matches begin and end; a piece that several rules found has the gravest state. */
export function pieces(text: string, rules: Said[]): Piece[] {
  const marks = rules.flatMap((rule) => rule.matches.map((m) => ({ ...m, rule: rule.name })))
  const cuts = [...new Set([0, text.length, ...marks.flatMap((m) => [m.start, m.end])])]
    .filter((at) => at >= 0 && at <= text.length)
    .sort((a, b) => a - b)
  const out: Piece[] = []
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [from, to] = [cuts[i]!, cuts[i + 1]!]
    const over = marks.filter((m) => m.start <= from && m.end >= to && m.end > m.start)
    if (over.length === 0) {
      out.push({ text: text.slice(from, to) })
      continue
    }
    const state = over.map((m) => m.state).sort((a, b) => gravity[b] - gravity[a])[0]
    out.push({ text: text.slice(from, to), state, rules: [...new Set(over.map((m) => m.rule))] })
  }
  return out
}

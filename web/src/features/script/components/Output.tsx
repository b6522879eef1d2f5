import { useTranslation } from 'react-i18next'
import { CheckStateTag } from '@/shared/ui/StateTag'
import { pieces } from '../highlight'
import type { Judgement, Said } from '../types'

/** The output with what the rules found in it. Each mark has its rule as a title, and its state as a class. */
export function Output({ text, rules }: { text: string; rules: Said[] }) {
  const { t } = useTranslation('script')
  if (text === '') return <div className="output output-empty meta">{t('try.noOutput')}</div>
  return (
    <pre className="output mono" tabIndex={0} aria-label={t('try.output')}>
      {pieces(text, rules).map((piece, i) =>
        piece.state ? (
          <mark key={i} className={`found found-${piece.state.toLowerCase()}`} title={piece.rules?.join('、')}>
            {piece.text}
          </mark>
        ) : (
          <span key={i}>{piece.text}</span>
        ),
      )}
    </pre>
  )
}

/** Which rule says what, in their order, and what follows. */
export function Verdict({ judgement }: { judgement: Judgement }) {
  const { t } = useTranslation('script')
  return (
    <table className="verdict">
      <tbody>
        {judgement.rules.map((rule, i) => (
          <tr key={i}>
            <td>{rule.name}</td>
            <td>
              {rule.state ? (
                <CheckStateTag state={rule.state} />
              ) : (
                <span className="meta">{t(rule.skipped ? 'try.skipped' : 'try.silent')}</span>
              )}
            </td>
            <td className="meta">{rule.matches.length > 0 && t('try.matches', { n: rule.matches.length })}</td>
          </tr>
        ))}
        {judgement.exit_code !== 'none' && (
          <tr>
            <td>{t('try.exitCode')}</td>
            <td>
              <CheckStateTag state={judgement.exit_code as 'OK'} />
            </td>
            <td />
          </tr>
        )}
        <tr>
          <td>{t('try.decided')}</td>
          <td colSpan={2} className="soft">
            {t(`decided.${judgement.decided}`)}
          </td>
        </tr>
      </tbody>
    </table>
  )
}

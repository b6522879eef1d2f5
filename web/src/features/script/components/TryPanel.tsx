import { PlayCircleOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button, Input, InputNumber } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useErrorText } from '@/shared/lib/errors'
import { showValue } from '@/shared/lib/measure'
import { useLocalized } from '@/shared/lib/localized'
import { Notice } from '@/shared/ui/Notice'
import { CheckStateTag } from '@/shared/ui/StateTag'
import { problemText } from '../problems'
import { judgeOutput, module } from '../queries'
import type { Param, Rules, Tried } from '../types'
import { ArgFields } from './ArgFields'
import { Output, Verdict } from './Output'

interface Props {
  params: Param[]
  /** null: judged by the plug-in convention, which only a run can do. */
  rules: Rules | null
  tried?: Tried
  failure?: unknown
  busy: boolean
  onRun: () => void
}

/** Runs the script as it stands, and shows what the rules find in its output while they are being written. */
export function TryPanel({ params, rules, tried, failure, busy, onRun }: Props) {
  const { t } = useTranslation('script')
  const { english } = useLocalized()
  const errorText = useErrorText()
  const [pasting, setPasting] = useState(false)
  const [pasted, setPasted] = useState<{ text: string; exit: number }>()
  const [shown, setShown] = useState(tried)
  if (tried !== shown) {
    // A new run shows its own output again.
    setShown(tried)
    setPasted(undefined)
    setPasting(false)
  }
  const source = pasted ?? (tried ? { text: tried.judgement?.text ?? tried.stdout, exit: tried.exit } : undefined)
  const wanted = useDebounced(rules && source ? { rules, text: source.text, exit: source.exit } : undefined, 300)
  const live = useQuery({
    queryKey: [module, 'judge', wanted],
    queryFn: () => judgeOutput(wanted!),
    enabled: wanted !== undefined && rules !== null,
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: Infinity,
  })
  const judgement = rules && source ? (live.data ?? (pasted ? undefined : (tried?.judgement ?? undefined))) : undefined
  const verdict = judgement ?? (pasted ? undefined : tried)

  return (
    <section className="panel panel-body stack try-panel" aria-label={t('try.title')}>
      <div className="row">
        <h2 className="panel-title grow">{t('try.title')}</h2>
        {rules && (
          <Button size="small" aria-pressed={pasting} onClick={() => setPasting(!pasting)}>
            {t('try.paste')}
          </Button>
        )}
        <Button size="small" icon={<PlayCircleOutlined />} loading={busy} onClick={onRun}>
          {t('try.run')}
        </Button>
      </div>
      <div className="meta">{t('try.help')}</div>
      <ArgFields params={params} compact />
      {pasting && (
        <div className="stack">
          <Input.TextArea
            className="mono"
            rows={6}
            maxLength={65_536}
            spellCheck={false}
            aria-label={t('try.pasteText')}
            placeholder={t('try.pasteText')}
            value={pasted?.text ?? ''}
            onChange={(event) => setPasted({ text: event.target.value, exit: pasted?.exit ?? 0 })}
          />
          <label className="row">
            <span className="soft">{t('try.exitCode')}</span>
            <InputNumber
              size="small"
              min={0}
              max={255}
              precision={0}
              value={pasted?.exit ?? 0}
              onChange={(exit) => setPasted({ text: pasted?.text ?? '', exit: exit ?? 0 })}
            />
          </label>
        </div>
      )}
      {failure !== undefined && <Notice tone="critical">{problemText(failure, errorText)}</Notice>}
      {verdict && (
        <div className="row try-verdict" role="status">
          <CheckStateTag state={verdict.state} />
          <strong className="grow break">{verdict.summary}</strong>
        </div>
      )}
      {live.isError && <Notice tone="warning">{problemText(live.error, errorText)}</Notice>}
      {judgement && <Verdict judgement={judgement} />}
      {source && <Output text={source.text} rules={judgement?.rules ?? []} />}
      {tried && !pasted && (
        <div className="meta try-facts">
          {t('try.facts', {
            ended: t(`ended.${tried.ended || 'not_run'}`),
            exit: tried.exit,
            took: showValue(tried.duration_ms / 1000, 's', english),
            encoding: tried.encoding,
            user: tried.runs_as,
          })}
          {tried.max_rss > 0 && ` · ${t('try.memory', { memory: showValue(tried.max_rss, 'B', english) })}`}
          {tried.stdout_cut && ` · ${t('try.cut')}`}
          {tried.survivors > 0 && ` · ${t('try.survivors', { n: tried.survivors })}`}
        </div>
      )}
      {tried && !tried.isolated && <Notice tone="warning">{t('try.notIsolated', { user: tried.runs_as })}</Notice>}
      {tried && !pasted && tried.stderr && (
        <details>
          <summary className="soft">{t('try.stderr')}</summary>
          <pre className="output mono" tabIndex={0}>
            {tried.stderr}
          </pre>
        </details>
      )}
    </section>
  )
}

/** The value as it was when it had not changed for a while. */
function useDebounced<T>(value: T, ms: number): T {
  const key = JSON.stringify(value)
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the value by its content: it is made anew each time
  }, [key, ms])
  return settled
}

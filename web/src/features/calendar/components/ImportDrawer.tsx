import { UploadOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { App, Button, Checkbox, Form, Input, InputNumber, Segmented, Select, Upload, type FormInstance } from 'antd'
import { useDeferredValue } from 'react'
import { useTranslation } from 'react-i18next'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { Notice } from '@/shared/ui/Notice'
import { importList, importPeriods, module, previewList, previewPeriods, type BadLine, type ListBody } from '../queries'
import { firstDay, lastDay } from './PeriodTable'

type What = 'list' | 'periods'

interface Values {
  layer: ListBody['layer']
  year: number
  source: string
  version: string
  provisional?: boolean
  text: string
}

interface Props {
  open: boolean
  kind: What
  year: number
  onKind: (kind: What) => void
  onClose: () => void
  onDone: (year?: number) => void
}

/** Spreadsheets in China save CSV in GB18030 as often as in UTF-8. */
async function readText(file: Blob): Promise<string> {
  const bytes = await file.arrayBuffer()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('gb18030').decode(bytes)
  }
}

/** Imports a list of holidays or a set of periods from pasted lines or a CSV file, showing what was understood. */
export function ImportDrawer({ open, kind, year, onKind, onClose, onDone }: Props) {
  const { t } = useTranslation('calendar')
  const { message } = App.useApp()
  const client = useQueryClient()
  const required = (label: string) => [{ required: true, whitespace: true, message: t('form.required', { label }) }]
  return (
    <FormDrawer<Values>
      open={open}
      width={640}
      title={t('import.title')}
      submitText={t('import.submit')}
      initialValues={{ layer: 'national', year, text: '', version: '1' }}
      onClose={onClose}
      onSubmit={async (values, key) => {
        const document = {
          source: values.source.trim(),
          version: values.version.trim(),
          provisional: values.provisional,
          text: values.text,
        }
        if (kind === 'list') await importList({ ...document, layer: values.layer, year: values.year }, key)
        else await importPeriods(document, key)
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
        void message.success(t('import.done'))
        onDone(kind === 'list' ? values.year : undefined)
      }}
    >
      {(form) => (
        <>
          <Form.Item label={t('import.what')}>
            <Segmented<What>
              value={kind}
              onChange={onKind}
              options={(['list', 'periods'] as const).map((k) => ({ value: k, label: t(`import.kind.${k}`) }))}
            />
          </Form.Item>
          {kind === 'list' && (
            <div className="import-row">
              <Form.Item name="layer" label={t('import.layer')}>
                <Select
                  options={(['national', 'region'] as const).map((layer) => ({
                    value: layer,
                    label: t(`layer.${layer}`),
                  }))}
                />
              </Form.Item>
              <Form.Item name="year" label={t('import.year')} rules={[{ required: true }]}>
                <InputNumber min={2000} max={2100} precision={0} />
              </Form.Item>
            </div>
          )}
          <Form.Item
            name="source"
            label={t('import.source')}
            extra={t('import.sourceHelp')}
            rules={required(t('import.source'))}
          >
            <Input maxLength={200} autoComplete="off" />
          </Form.Item>
          <Form.Item name="version" label={t('import.version')} rules={required(t('import.version'))}>
            <Input maxLength={200} autoComplete="off" />
          </Form.Item>
          <Form.Item
            name="text"
            label={t('import.text')}
            extra={t(kind === 'list' ? 'import.textHelp' : 'import.periodsHelp')}
            rules={required(t('import.text'))}
          >
            <Input.TextArea
              rows={9}
              className="mono"
              maxLength={65_536}
              placeholder={t(kind === 'list' ? 'import.example' : 'import.periodsExample')}
            />
          </Form.Item>
          <Form.Item>
            <Upload
              accept=".csv,.txt"
              showUploadList={false}
              beforeUpload={(file) => {
                void readText(file).then((text) => form.setFieldValue('text', text))
                return false
              }}
            >
              <Button icon={<UploadOutlined />}>{t('import.file')}</Button>
            </Upload>
          </Form.Item>
          <Form.Item name="provisional" valuePropName="checked" extra={t('import.provisionalHelp')}>
            <Checkbox>{t('import.provisional')}</Checkbox>
          </Form.Item>
          <Preview form={form} kind={kind} />
        </>
      )}
    </FormDrawer>
  )
}

/** What the server understands of the text so far. */
function Preview({ form, kind }: { form: FormInstance<Values>; kind: What }) {
  const { t } = useTranslation('calendar')
  const text = useDeferredValue(Form.useWatch('text', form) ?? '')
  const layer = Form.useWatch('layer', form) ?? 'national'
  const year = Form.useWatch('year', form) ?? 0
  const asked = text.trim() !== '' && (kind === 'periods' || (year >= 2000 && year <= 2100))
  const read = useQuery({
    queryKey: [module, 'preview', kind, layer, year, text],
    queryFn: async () => {
      if (kind === 'periods') {
        const { periods, bad } = await previewPeriods({ text })
        return {
          bad,
          lines: periods.map((p) => [firstDay(p.from) + ' ~ ' + lastDay(p.to), t(`periodKind.${p.kind}`), p.name]),
        }
      }
      const { days, bad } = await previewList({ layer, year, text })
      return { bad, lines: days.map((d) => [d.date, t(`kind.${d.kind}`), d.name]) }
    },
    enabled: asked,
    retry: false,
    placeholderData: (old) => old,
  })
  if (!asked || !read.data) return null
  return (
    <div className="stack" aria-live="polite">
      {read.data.bad.length > 0 && (
        <Notice tone="critical" title={t('import.badTitle', { count: read.data.bad.length })}>
          <ul className="import-bad">
            {read.data.bad.slice(0, 10).map((bad) => (
              <BadItem key={bad.line} bad={bad} />
            ))}
          </ul>
        </Notice>
      )}
      <div className="meta">{t('import.understood', { count: read.data.lines.length })}</div>
      {read.data.lines.length > 0 && (
        <table className="import-lines">
          <tbody>
            {read.data.lines.slice(0, 60).map(([day, word, name]) => (
              <tr key={`${day}${word}`}>
                <td className="mono">{day}</td>
                <td>{word}</td>
                <td>{name}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}

function BadItem({ bad }: { bad: BadLine }) {
  const { t } = useTranslation('calendar')
  return (
    <li>
      {t('import.line', { line: bad.line })}：{t(`import.bad.${bad.code}`)} <code>{bad.text}</code>
    </li>
  )
}

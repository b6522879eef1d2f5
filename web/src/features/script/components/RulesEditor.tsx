import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Checkbox, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { ruleKinds, states, type Rule } from '../types'

/** The rules that judge an output, in the order in which they are tried. */
export function RulesEditor() {
  const { t } = useTranslation('script')
  const stateOptions = states.map((value) => ({ value, label: t(`check.${value}`, { ns: 'common' }) }))
  return (
    <>
      <Form.List name="rules">
        {(fields, { add, remove, move }) => (
          <fieldset className="lines">
            <legend>{t('rules.title')}</legend>
            {fields.length === 0 && <span className="meta">{t('rules.none')}</span>}
            {fields.map((field, i) => (
              <div key={field.key} className="rule">
                <div className="rule-head">
                  <span className="meta">{i + 1}</span>
                  <Form.Item name={[field.name, 'kind']} noStyle>
                    <Select
                      size="small"
                      aria-label={t('rule.kind')}
                      style={{ width: 104 }}
                      options={ruleKinds.map((value) => ({ value, label: t(`ruleKind.${value}`) }))}
                    />
                  </Form.Item>
                  <Form.Item name={[field.name, 'name']} noStyle>
                    <Input size="small" className="grow" aria-label={t('rule.name')} placeholder={t('rule.name')} />
                  </Form.Item>
                  <Button
                    type="text"
                    size="small"
                    icon={<ArrowUpOutlined />}
                    aria-label={t('rule.up')}
                    disabled={i === 0}
                    onClick={() => move(i, i - 1)}
                  />
                  <Button
                    type="text"
                    size="small"
                    icon={<ArrowDownOutlined />}
                    aria-label={t('rule.down')}
                    disabled={i === fields.length - 1}
                    onClick={() => move(i, i + 1)}
                  />
                  <Button
                    type="text"
                    size="small"
                    icon={<DeleteOutlined />}
                    aria-label={t('rule.remove')}
                    onClick={() => remove(field.name)}
                  />
                </div>
                <Form.Item noStyle shouldUpdate>
                  {({ getFieldValue }) => (
                    <RuleFields
                      at={field.name}
                      kind={getFieldValue(['rules', field.name, 'kind']) as Rule['kind']}
                      stateOptions={stateOptions}
                    />
                  )}
                </Form.Item>
              </div>
            ))}
            <div className="row">
              {ruleKinds.map((kind) => (
                <Button
                  key={kind}
                  size="small"
                  icon={<PlusOutlined />}
                  onClick={() => add(kind === 'text' ? { kind, state: 'CRITICAL' } : { kind })}
                >
                  {t(`rule.add.${kind}`)}
                </Button>
              ))}
            </div>
          </fieldset>
        )}
      </Form.List>
      <div className="form-grid">
        <Form.Item name="otherwise" label={t('rules.otherwise')} extra={t('rules.otherwiseHelp')}>
          <Select allowClear placeholder={t('check.UNKNOWN', { ns: 'common' })} options={stateOptions} />
        </Form.Item>
        <Form.Item name="exit_codes" label={t('rules.exitCodes')} extra={t('rules.exitCodesHelp')}>
          <Input className="mono" placeholder="1=WARNING, 2=CRITICAL" autoComplete="off" />
        </Form.Item>
        <Form.Item name="encoding" label={t('rules.encoding')}>
          <Select
            allowClear
            placeholder={t('rules.auto')}
            options={[
              { value: 'utf-8', label: 'UTF-8' },
              { value: 'gb18030', label: 'GB18030' },
            ]}
          />
        </Form.Item>
        <Form.Item name="source" label={t('rules.source')}>
          <Select
            allowClear
            placeholder={t('rules.stdout')}
            options={[
              { value: 'stderr', label: t('rules.stderr') },
              { value: 'both', label: t('rules.both') },
            ]}
          />
        </Form.Item>
      </div>
    </>
  )
}

interface FieldsProps {
  at: number
  kind: Rule['kind']
  stateOptions: { value: string; label: string }[]
}

function RuleFields({ at, kind, stateOptions }: FieldsProps) {
  const { t } = useTranslation('script')
  const field = (name: keyof Rule, placeholder?: string, mono = true) => (
    <Form.Item name={[at, name]} label={t(`rule.${name}`)} className="tight">
      <Input
        size="small"
        className={mono ? 'mono' : undefined}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
      />
    </Form.Item>
  )
  if (kind === 'text') {
    return (
      <div className="rule-fields">
        {field('pattern', 'ORA-\\d+|失败')}
        <Form.Item name={[at, 'state']} label={t('rule.state')} className="tight">
          <Select size="small" options={stateOptions} />
        </Form.Item>
      </div>
    )
  }
  return (
    <div className="rule-fields">
      {kind === 'column' ? (
        <>
          {field('column', '使用率', false)}
          {field('names', t('rule.namesFirst'), false)}
          {field('pattern', t('rule.allRows'))}
          {field('header', t('rule.headerFound'))}
        </>
      ) : (
        field('pattern', '积压[:：]\\s*(\\d+)')
      )}
      {field('warn', '80')}
      {field('crit', '90')}
      {field('uom', '%', false)}
      <Form.Item name={[at, 'optional']} valuePropName="checked" className="tight rule-optional">
        <Checkbox>{t('rule.optional')}</Checkbox>
      </Form.Item>
    </div>
  )
}

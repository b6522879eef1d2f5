import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Checkbox, Form, Input, InputNumber, Segmented, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { interpreters, paramTypes } from '../types'

/** How a script is run: interpreter, limits, parameters, arguments. */
export function ManifestFields() {
  const { t } = useTranslation('script')
  return (
    <>
      <div className="form-grid">
        <Form.Item name="interpreter" label={t('manifest.interpreter')}>
          <Select options={interpreters.map((value) => ({ value, label: value }))} />
        </Form.Item>
        <Form.Item name="timeout_seconds" label={t('manifest.timeout')}>
          <InputNumber min={1} max={300} precision={0} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="memory_mb" label={t('manifest.memory')}>
          <InputNumber min={1} max={2048} precision={0} placeholder="512" style={{ width: '100%' }} />
        </Form.Item>
      </div>
      <Form.List name="params">
        {(fields, { add, remove }) => (
          <fieldset className="lines">
            <legend>{t('manifest.params')}</legend>
            {fields.length === 0 && <span className="meta">{t('manifest.noParams')}</span>}
            {fields.map((field) => (
              <div key={field.key} className="param-line">
                <Form.Item
                  name={[field.name, 'name']}
                  label={t('param.name')}
                  rules={[{ pattern: /^[a-z][a-z0-9_]{0,39}$/, required: true, message: t('param.nameRule') }]}
                >
                  <Input className="mono" autoComplete="off" />
                </Form.Item>
                <Form.Item name={[field.name, 'title']} label={t('param.title')}>
                  <Input autoComplete="off" maxLength={60} />
                </Form.Item>
                <Form.Item name={[field.name, 'type']} label={t('param.type')}>
                  <Select options={paramTypes.map((value) => ({ value, label: t(`paramType.${value}`) }))} />
                </Form.Item>
                <Form.Item noStyle shouldUpdate>
                  {({ getFieldValue }) =>
                    getFieldValue(['params', field.name, 'type']) === 'choice' ? (
                      <Form.Item name={[field.name, 'choices']} label={t('param.choices')}>
                        <Input autoComplete="off" placeholder="a, b, c" />
                      </Form.Item>
                    ) : (
                      <Form.Item name={[field.name, 'default']} label={t('param.default')}>
                        <Input autoComplete="off" />
                      </Form.Item>
                    )
                  }
                </Form.Item>
                <div className="param-flags">
                  <Form.Item name={[field.name, 'required']} valuePropName="checked" noStyle>
                    <Checkbox>{t('param.required')}</Checkbox>
                  </Form.Item>
                  <Form.Item name={[field.name, 'secret']} valuePropName="checked" noStyle>
                    <Checkbox>{t('param.secret')}</Checkbox>
                  </Form.Item>
                </div>
                <Button
                  type="text"
                  icon={<DeleteOutlined />}
                  aria-label={t('param.remove')}
                  onClick={() => remove(field.name)}
                />
              </div>
            ))}
            <div>
              <Button size="small" icon={<PlusOutlined />} onClick={() => add({ type: 'string' })}>
                {t('param.add')}
              </Button>
            </div>
          </fieldset>
        )}
      </Form.List>
      <Form.Item name="args" label={t('manifest.args')} extra={t('manifest.argsHelp')}>
        <Input.TextArea className="mono" autoSize={{ minRows: 2, maxRows: 8 }} spellCheck={false} />
      </Form.Item>
      <Form.Item name="judge" label={t('manifest.judge')}>
        <Segmented
          options={[
            { value: 'rules', label: t('judge.rules') },
            { value: 'plugin', label: t('judge.plugin') },
          ]}
        />
      </Form.Item>
    </>
  )
}

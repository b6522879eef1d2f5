import { useQueryClient } from '@tanstack/react-query'
import { Form, Input, Radio } from 'antd'
import { useTranslation } from 'react-i18next'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { explain, module, type Difference } from '../queries'
import { SideTag } from '../words'

interface Values {
  verdict: 'known' | 'accepted' | ''
  reason?: string
}

/** What a person says of a difference, and why. */
export function Explain({ difference, onClose }: { difference?: Difference; onClose: () => void }) {
  const { t } = useTranslation('parallel')
  const client = useQueryClient()
  return (
    <FormDrawer<Values>
      key={difference?.key}
      open={difference !== undefined}
      title={t('explain.title')}
      submitText={t('explain.submit')}
      initialValues={{ verdict: difference?.verdict?.verdict ?? 'known', reason: difference?.verdict?.reason }}
      onClose={onClose}
      onSubmit={async (values) => {
        await explain({ key: difference!.key, verdict: values.verdict, reason: values.reason?.trim() ?? '' })
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
      }}
    >
      {(form) => (
        <>
          {difference && (
            <p>
              <SideTag side={difference.side} /> {difference.asset_name} ·{' '}
              {difference.problem?.trigger ?? difference.finding?.title}
            </p>
          )}
          <Form.Item name="verdict" label={t('explain.verdict')}>
            <Radio.Group
              options={[
                { value: 'known', label: t('explain.known') },
                { value: 'accepted', label: t('explain.accepted') },
                ...(difference?.verdict ? [{ value: '', label: t('explain.withdraw') }] : []),
              ]}
            />
          </Form.Item>
          <Form.Item
            name="reason"
            label={t('explain.reason')}
            rules={[
              {
                validator: (_, value?: string) =>
                  form.getFieldValue('verdict') === '' || (value ?? '').trim().length >= 2
                    ? Promise.resolve()
                    : Promise.reject(new Error(t('explain.needed'))),
              },
            ]}
          >
            <Input.TextArea rows={3} maxLength={500} showCount />
          </Form.Item>
        </>
      )}
    </FormDrawer>
  )
}

import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Form } from 'antd'
import { useTranslation } from 'react-i18next'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { createCheck, inspectModule } from '../queries'
import type { Script, Version } from '../types'
import { argsOf, ArgFields, type ArgValues } from './ArgFields'

interface Values {
  asset_id: string
  values?: ArgValues
}

/** Makes a check from a released version, with a field for each of its parameters. */
export function CheckFromScript(props: { script: Script; version: Version; open: boolean; onClose: () => void }) {
  const { script, version, open, onClose } = props
  const { t } = useTranslation('script')
  const navigate = useNavigate()
  const client = useQueryClient()
  const params = version.manifest.params ?? []
  const submit = async (values: Values, idempotencyKey: string) => {
    const given = values.values ?? {}
    const secrets = argsOf(
      params.filter((p) => p.secret),
      given,
    )
    const check = await createCheck(
      {
        asset_id: values.asset_id,
        kind: 'script.run',
        params: {
          package: script.name,
          version: version.number,
          class: script.class,
          title: script.title,
          args: argsOf(
            params.filter((p) => !p.secret),
            given,
          ),
          ...(secrets.length > 0 ? { secrets: secrets.join('\n') } : {}),
        },
      },
      idempotencyKey,
    )
    await client.invalidateQueries({ queryKey: [inspectModule] })
    void navigate({ to: `/inspect/checks/${check.id}` as string })
  }
  return (
    <FormDrawer<Values>
      open={open}
      width={520}
      title={t('check.from', { name: `${script.title} v${version.number}` })}
      submitText={t('check.add')}
      onSubmit={submit}
      onClose={onClose}
    >
      <Form.Item
        name="asset_id"
        label={t('col.asset')}
        rules={[{ required: true, message: t('form.required', { label: t('col.asset') }) }]}
      >
        <AssetSelect label={t('col.asset')} width="100%" />
      </Form.Item>
      <ArgFields params={params} />
    </FormDrawer>
  )
}

import { UploadOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { App, Button, Form, Input, Select } from 'antd'
import { useRef, useState, type ChangeEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { newKey } from '@/shared/api/client'
import { checkClasses, type CheckClass } from '@/shared/api/inspect'
import { useAction } from '@/shared/lib/action'
import { useErrorText, useFieldErrorText } from '@/shared/lib/errors'
import { showFieldErrors } from '@/shared/lib/formErrors'
import { useKeys } from '@/shared/lib/keys'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateView } from '@/shared/ui/StateView'
import '@/shared/ui/detail.css'
import { encodeBody, fromBase64, readBody, unixLines, type Body } from './bytes'
import { argsOf, type ArgValues } from './components/ArgFields'
import { ManifestFields } from './components/ManifestFields'
import { RulesEditor } from './components/RulesEditor'
import { TryPanel } from './components/TryPanel'
import { emptyManifest, manifestOf, rulesOf, valuesOf, type ManifestValues } from './manifest'
import { atFields, problemText } from './problems'
import { changeDraft, createDraft, createScript, module, scriptQuery, tryScript, versionQuery } from './queries'
import './script.css'
import type { ScriptDetail, VersionDetail } from './types'

interface Values extends ManifestValues {
  name?: string
  title?: string
  class?: CheckClass
  note?: string
  values?: ArgValues
}

/** Where a script is written, tried and judged: a new one, or the next version of one. */
export default function WorkbenchPage() {
  const { id } = useParams({ strict: false }) as { id?: string }
  return id ? <Existing id={id} /> : <Workbench />
}

function Existing({ id }: { id: string }) {
  const script = useQuery(scriptQuery(id))
  // The draft, or else what the next version begins with.
  const from = script.data && (script.data.draft_id || script.data.versions[0]?.id)
  const version = useQuery({ ...versionQuery(from ?? ''), enabled: !!from, refetchOnWindowFocus: false })
  return (
    <StateView query={script}>
      {(found) => (
        <StateView query={version}>{(begin) => <Workbench key={begin.id} script={found} begin={begin} />}</StateView>
      )}
    </StateView>
  )
}

const sample = `#!/bin/sh
df -hP
`

function Workbench({ script, begin }: { script?: ScriptDetail; begin?: VersionDetail }) {
  const { t } = useTranslation('script')
  const { message } = App.useApp()
  const navigate = useNavigate()
  const client = useQueryClient()
  const errorText = useErrorText()
  const fieldText = useFieldErrorText()
  const [form] = Form.useForm<Values>()
  const values = Form.useWatch([], form) as Values | undefined
  const [body, setBody] = useState<Body>(() => (begin ? readBody(fromBase64(begin.body)) : { text: sample }))
  const [failure, setFailure] = useState<unknown>()
  const [saving, setSaving] = useState(false)
  const file = useRef<HTMLInputElement>(null)
  const key = useRef(newKey())
  const draft = begin?.state === 'draft' ? begin : undefined
  const [seen, setSeen] = useState(draft?.version ?? 0)

  const trial = useAction(
    () => {
      const now = form.getFieldsValue(true) as Values
      const manifest = manifestOf(now)
      return tryScript({ manifest, body: encodeBody(body), args: argsOf(manifest.params, now.values ?? {}) })
    },
    { module: 'none', quiet: true },
  )
  const run = () => !trial.isPending && trial.mutate(undefined)

  const save = async () => {
    let given: Values
    try {
      await form.validateFields()
      given = form.getFieldsValue(true) as Values
    } catch {
      return
    }
    setSaving(true)
    setFailure(undefined)
    const content = { manifest: manifestOf(given), body: encodeBody(body), note: given.note?.trim() || undefined }
    try {
      let id = script?.id
      if (!script) {
        const made = await createScript(
          { ...content, name: given.name!.trim(), title: given.title!.trim(), class: given.class! },
          key.current,
        )
        id = made.id
      } else if (draft) {
        setSeen((await changeDraft(draft.id, { ...content, version: seen })).version)
      } else {
        await createDraft(script.id, content, key.current)
      }
      await client.invalidateQueries({ queryKey: [module] })
      void message.success(t('draft.saved'))
      void navigate({ to: `/inspect/scripts/${id}` as string })
    } catch (error) {
      if (!showFieldErrors(form, atFields(error), fieldText)) setFailure(error)
      else void message.error(errorText(error))
    } finally {
      setSaving(false)
    }
  }
  useKeys({
    'mod+Enter': (event) => {
      event.preventDefault()
      run()
    },
    'mod+s': (event) => {
      event.preventDefault()
      void save()
    },
  })

  const load = async (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.target.files?.[0]
    event.target.value = ''
    if (!chosen) return
    if (chosen.size > 1 << 20) {
      void message.error(t('body.tooLarge'))
      return
    }
    setBody(readBody(new Uint8Array(await chosen.arrayBuffer())))
    if (!script && !form.getFieldValue('name')) {
      const name = chosen.name.replace(/\.[^.]*$/, '').toLowerCase()
      if (/^[a-z][a-z0-9_-]{1,59}$/.test(name)) form.setFieldValue('name', name)
    }
  }

  const title = script
    ? t(draft ? 'draft.edit' : 'draft.next', { name: script.title, n: draft?.number ?? script.latest + 1 })
    : t('scripts.bring')
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]
  const manifest = values && manifestOf({ ...emptyManifest, ...values })

  return (
    <>
      <PageHeader
        title={title}
        actions={
          <>
            <Button onClick={() => void navigate({ to: `/inspect/scripts${script ? `/${script.id}` : ''}` as string })}>
              {t('actions.cancel')}
            </Button>
            <Button type="primary" loading={saving} onClick={() => void save()}>
              {t('draft.save')}
            </Button>
          </>
        }
      />
      {failure !== undefined && (
        <div className="page-notice">
          <Notice tone="critical">{problemText(failure, errorText)}</Notice>
        </div>
      )}
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{
          ...emptyManifest,
          ...(begin ? valuesOf(begin.manifest) : {}),
          note: draft?.note,
          class: script?.class ?? 'service',
        }}
        className="workbench"
      >
        <div className="stack">
          <section className="panel panel-body">
            {!script && (
              <div className="form-grid">
                <Form.Item name="title" label={t('col.title')} rules={required(t('col.title'))}>
                  <Input autoFocus maxLength={100} autoComplete="off" />
                </Form.Item>
                <Form.Item
                  name="name"
                  label={t('col.name')}
                  rules={[
                    { pattern: /^[a-z][a-z0-9_-]{1,59}$/, message: t('script.nameRule') },
                    ...required(t('col.name')),
                  ]}
                >
                  <Input className="mono" autoComplete="off" placeholder="tablespace" />
                </Form.Item>
                <Form.Item name="class" label={t('col.class')}>
                  <Select options={checkClasses.map((c) => ({ value: c, label: t(`parts:class.${c}`) }))} />
                </Form.Item>
              </div>
            )}
            <div className="row body-head">
              <span className="soft grow">{t('body.title')}</span>
              {body.raw && <span className="meta">{t('body.gb')}</span>}
              <Button size="small" icon={<UploadOutlined />} onClick={() => file.current?.click()}>
                {t('body.upload')}
              </Button>
              <input
                ref={file}
                type="file"
                style={{ display: 'none' }}
                onChange={(event) => void load(event)}
                aria-label={t('body.upload')}
              />
            </div>
            <Input.TextArea
              className="mono body-text"
              autoSize={{ minRows: 10, maxRows: 28 }}
              spellCheck={false}
              aria-label={t('body.title')}
              value={body.text}
              onChange={(event) => setBody({ text: event.target.value })}
            />
            {body.text.includes('\r') && (
              <div className="page-notice">
                <Notice
                  tone="warning"
                  action={
                    <Button size="small" onClick={() => setBody({ text: unixLines(body.text) })}>
                      {t('body.fixLines')}
                    </Button>
                  }
                >
                  {t('body.windows')}
                </Notice>
              </div>
            )}
          </section>
          <section className="panel panel-body">
            <ManifestFields />
            {manifest?.judge === 'rules' && <RulesEditor />}
            <Form.Item name="note" label={t('draft.note')} className="tight">
              <Input maxLength={500} autoComplete="off" />
            </Form.Item>
          </section>
        </div>
        <TryPanel
          params={manifest?.params ?? []}
          rules={values && manifest?.judge === 'rules' ? rulesOf(values) : null}
          tried={trial.data}
          failure={trial.error ?? undefined}
          busy={trial.isPending}
          onRun={run}
        />
      </Form>
    </>
  )
}

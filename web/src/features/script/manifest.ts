import type { Arg, Manifest, Param, Rule, Rules } from './types'

/** The form of a script: arguments are lines, numbers may be empty. */
export interface ManifestValues {
  interpreter: string
  judge: 'plugin' | 'rules'
  timeout_seconds?: number | null
  memory_mb?: number | null
  params?: (Omit<Param, 'choices'> & { choices?: string })[]
  args?: string
  encoding?: string
  source?: string
  otherwise?: string
  exit_codes?: string
  rules?: Rule[]
}

/**
 * Arguments as lines: the parts of one line belong together and are left out together when a parameter in them has
 * no value. "[verbose] -v" is there only when the parameter verbose is true.
 */
export function parseArgs(lines: string | undefined): Arg[] {
  return (lines ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const when = /^\[([a-z][a-z0-9_]*)\]\s+/.exec(line)
      const parts = (when ? line.slice(when[0].length) : line).split(/\s+/).filter((part) => part !== '')
      return when ? { parts, when: when[1] } : { parts }
    })
}

export const writeArgs = (args: Arg[]): string =>
  args.map((arg) => (arg.when ? `[${arg.when}] ` : '') + arg.parts.join(' ')).join('\n')

/** "2=CRITICAL, 5=none" → what these exit codes mean. Parts that cannot be read are left out. */
export function parseExitCodes(text: string | undefined): { code: number; state: string }[] {
  const out: { code: number; state: string }[] = []
  for (const part of (text ?? '').split(/[,，;；\s]+/)) {
    const found = /^(\d{1,3})=(OK|WARNING|CRITICAL|UNKNOWN|none)$/i.exec(part)
    if (!found) continue
    const word = found[2]!
    out.push({ code: Number(found[1]), state: word.toLowerCase() === 'none' ? 'none' : word.toUpperCase() })
  }
  return out
}

export const writeExitCodes = (codes: { code: number; state: string }[] | undefined): string =>
  (codes ?? []).map((c) => `${c.code}=${c.state}`).join(', ')

const text = (value: string | undefined): string | undefined => value?.trim() || undefined

function ruleOf(rule: Rule): Rule {
  // A rule that nobody named is called by what it looks at.
  const name = rule.name?.trim() || rule.column?.trim() || rule.label?.trim() || rule.pattern?.slice(0, 40) || rule.kind
  const common = { name, kind: rule.kind, pattern: rule.pattern || undefined }
  if (rule.kind === 'text') return { ...common, state: rule.state }
  const measured = {
    ...common,
    label: text(rule.label),
    uom: text(rule.uom),
    warn: text(rule.warn),
    crit: text(rule.crit),
    optional: rule.optional || undefined,
  }
  if (rule.kind === 'number') return measured
  return { ...measured, column: text(rule.column), header: rule.header || undefined, names: text(rule.names) }
}

export function rulesOf(values: Partial<ManifestValues>): Rules {
  const codes = parseExitCodes(values.exit_codes)
  return {
    encoding: values.encoding || undefined,
    source: values.source || undefined,
    otherwise: values.otherwise || undefined,
    exit_codes: codes.length > 0 ? codes : undefined,
    rules: (values.rules ?? []).filter((rule) => rule?.kind).map(ruleOf),
  }
}

export function manifestOf(values: ManifestValues): Manifest {
  return {
    interpreter: values.interpreter,
    judge: values.judge,
    timeout_seconds: values.timeout_seconds ?? 30,
    memory_mb: values.memory_mb ?? undefined,
    params: (values.params ?? []).map((p) => ({
      name: p.name?.trim() ?? '',
      title: p.title?.trim() ?? '',
      type: p.type,
      required: p.required || undefined,
      secret: p.secret || undefined,
      default: p.secret ? undefined : text(p.default),
      min: p.min ?? undefined,
      max: p.max ?? undefined,
      pattern: text(p.pattern),
      choices:
        p.type === 'choice'
          ? (p.choices ?? '')
              .split(/[,，]/)
              .map((c) => c.trim())
              .filter((c) => c !== '')
          : undefined,
    })),
    args: parseArgs(values.args),
    rules: values.judge === 'rules' ? rulesOf(values) : { rules: [] },
  }
}

export function valuesOf(manifest: Manifest): ManifestValues {
  return {
    interpreter: manifest.interpreter,
    judge: manifest.judge,
    timeout_seconds: manifest.timeout_seconds,
    memory_mb: manifest.memory_mb || undefined,
    params: (manifest.params ?? []).map((p) => ({ ...p, choices: p.choices?.join(', ') })),
    args: writeArgs(manifest.args ?? []),
    encoding: manifest.rules.encoding,
    source: manifest.rules.source,
    otherwise: manifest.rules.otherwise,
    exit_codes: writeExitCodes(manifest.rules.exit_codes),
    rules: manifest.rules.rules ?? [],
  }
}

export const emptyManifest: ManifestValues = { interpreter: 'sh', judge: 'rules', timeout_seconds: 30, rules: [] }

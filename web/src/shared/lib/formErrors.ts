import type { FormInstance } from 'antd'
import { ApiError } from '@/shared/api/client'

/** "body.grants[0].area_path" → ["grants", 0, "area_path"]; other places (query, header) have no field. */
export function fieldPath(location: string | undefined): (string | number)[] | null {
  if (!location) return null
  const body = location.replace(/^body\.?/, '')
  if (/^(query|path|header|cookie)\./.test(location) || body === '') return null
  return body
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

/**
 * Puts the server's field errors at their fields. Returns what is left to say above the form: the problem itself
 * when no field of this form could take it.
 */
export function showFieldErrors(
  form: FormInstance,
  error: unknown,
  say: (code: string, message: string) => string,
): boolean {
  if (!(error instanceof ApiError)) return false
  const known = new Set(form.getFieldsError().map((field) => field.name.join('.')))
  const fields: { name: (string | number)[]; errors: string[] }[] = []
  for (const fieldError of error.fieldErrors) {
    // The nearest field that the form has: what is wrong inside a list is said at the list.
    let name = fieldPath(fieldError.location) ?? []
    while (name.length > 0 && !known.has(name.join('.'))) name = name.slice(0, -1)
    if (name.length > 0) fields.push({ name, errors: [say(fieldError.code ?? '', fieldError.message)] })
  }
  if (fields.length > 0) form.setFields(fields)
  return fields.length > 0
}
